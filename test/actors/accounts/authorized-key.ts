import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { authorizedKey } from '../../../actors/accounts/authorized-key.ts'
import { inHome } from '../../../actors/accounts/user-files.ts'
import { quote } from '../../../src/base/quote.ts'
import { makeKeyPair } from '../../../src/lab/keys.ts'
import {
  type ConvergentCase,
  type ConvergentHost,
  convergentContract,
  localHost,
  runOn,
} from '../../fixtures/contracts/convergent.ts'
import { withPrograms } from '../../fixtures/roots/busybox.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, type Roots, startRoots } from '../../fixtures/roots/roots.ts'
import { findProgram } from '../../fixtures/servers/debian.ts'

const alice = makeKeyPair('alice@laptop')
const bob = makeKeyPair('bob')

t.test('wrong options are named, and no key is shown which may be a private one', async t => {
  for (const [options, message] of [
    [{ user: 'root' }, /option "keys": give either/],
    [{ user: 'root', keys: alice.publicKey, source: 'x' }, /option "keys": give either/],
    [{ user: '../root', keys: alice.publicKey }, /option "user"/],
    [{ user: '0', keys: alice.publicKey }, /option "user"/],
    [{ keys: alice.publicKey }, /option "user"/],
    [{ user: 'root', keys: alice.publicKey, options: 'a b' }, /option "options"/],
    [{ user: 'root', keys: alice.publicKey, exclusive: true, state: 'absent' }, /option "exclusive"/],
  ] as const)
    t.throws(() => authorizedKey.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
  for (const [options, message] of [
    [{ keys: alice.privateKey }, /option "keys": line 1 is no public key/],
    [{ keys: `${alice.publicKey}\nssh-ed25519 AAAA x` }, /option "keys": line 2 is no public key/],
    [{ keys: ['# nothing'] }, /option "keys": there is no key in it/],
    [{ keys: `no-pty ${alice.publicKey}`, options: 'no-pty' }, /line 1: options stand in front of the key/],
  ] as const) {
    t.throws(() => authorizedKey.parse({ user: 'root', ...options }), { code: 'ACTOR_OPTION', message })
    try {
      authorizedKey.parse({ user: 'root', ...options })
    } catch (error) {
      t.notMatch((error as Error).message, /AAAA|PRIVATE/)
    }
  }
  const source = join(t.testdir({ 'a.pub': alice.privateKey }), 'a.pub')
  const run = runOn(authorizedKey, { user: 'root', source }, localHost(t))
  await t.rejects(run, { code: 'CONFIG', message: /source ".*": line 1 is no public key/ })
})

const cases: readonly ConvergentCase[] = [
  {
    title: 'the first key of a user',
    before: ({ sh }) => sh('rm -rf ~alice/.ssh'),
    options: () => ({ user: 'alice', keys: alice.publicKey }),
    after: async (t, { sh }) => {
      t.equal(
        await sh('stat -c "%a %U %G %n" ~alice/.ssh ~alice/.ssh/*'),
        '700 alice alice /home/alice/.ssh\n600 alice alice /home/alice/.ssh/authorized_keys\n',
      )
      t.equal(await sh('cat ~alice/.ssh/authorized_keys'), `${alice.publicKey}\n`)
    },
    reverse: () => ({ user: 'alice', keys: alice.publicKey, state: 'absent' }),
    reversed: async (t, { sh }) => t.equal(await sh('cat ~alice/.ssh/authorized_keys'), ''),
    watch: ['/home/alice'],
  },
  {
    title: 'a file with all sorts in it',
    before: ({ sh }) =>
      sh(`mkdir -p ~alice/.ssh; printf '# \\377 \\0\\nno-pty ${alice.publicKey}\\n%s' '${bob.publicKey}' >~alice/.ssh/authorized_keys
        chown -R alice: ~alice/.ssh; chmod 755 ~alice/.ssh; chmod 644 ~alice/.ssh/*`),
    options: () => ({ user: 'alice', keys: [alice.publicKey], options: 'command="echo \\"$(x)\\" \'y\'",no-pty' }),
    after: async (t, { sh }) => {
      t.equal(await sh('stat -c "%a" ~alice/.ssh ~alice/.ssh/*'), '700\n600\n')
      t.equal(
        await sh('tail -n 2 ~alice/.ssh/authorized_keys'),
        `command="echo \\"$(x)\\" 'y'",no-pty ${alice.publicKey}\n${bob.publicKey}`,
      )
      t.equal(await sh('head -n 1 ~alice/.ssh/authorized_keys | od -An -tx1'), ' 23 20 ff 20 00 0a\n')
    },
  },
  {
    title: 'no other keys',
    before: ({ sh }) =>
      sh(`printf '%s\\n' '# mine' '${alice.publicKey}' '${bob.publicKey}' >~alice/.ssh/authorized_keys`),
    options: () => ({ user: 'alice', keys: bob.publicKey, exclusive: 'yes' }),
    after: async (t, { sh }) => t.equal(await sh('cat ~alice/.ssh/authorized_keys'), `# mine\n${bob.publicKey}\n`),
  },
  {
    title: 'root itself',
    before: ({ sh }) => sh('rm -rf /root/.ssh'),
    options: () => ({ user: 'root', keys: `${alice.publicKey}\n# and\n${bob.publicKey}\n` }),
    after: async (t, { sh }) => t.equal(await sh('grep -c ssh /root/.ssh/authorized_keys'), '2\n'),
  },
]

t.test('on a real system', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  const sh = async (line: string) => {
    const { code, stdout, stderr } = await roots.exec('node1', line)
    if (code !== 0) throw new Error(`${line}: ${stderr}`)
    return stdout
  }
  await sh('useradd -m -s /usr/sbin/nologin alice; useradd -m -s /bin/sh bob; useradd -M -d /none homeless')
  await sh(
    'apt-get -qq update && apt-get -qq install -y busybox && mkdir /tmp/bb && busybox --install -s /tmp/bb && ln -s /bin/su /tmp/bb',
  )
  const [ssh, inside] = rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]
  const busybox = { ...inside, name: 'busybox', connect: async () => withPrograms(await inside.connect(), '/tmp/bb') }
  await convergentContract(t, authorizedKey, cases, [ssh, inside])
  await convergentContract(t, authorizedKey, cases.slice(0, 2), [busybox])

  await t.test('sshd lets the user in', async t => {
    await runOn(authorizedKey, { user: 'bob', keys: bob.publicKey }, ssh)
    t.equal(await login(t.testdir(), roots, 'bob', bob.privateKey), 'bob\n')
  })

  await t.test('what is done in a home is done as its user, who else may log in', async t => {
    const script = inHome('bob', 'pwd; id; echo "$0"')
    for (const shell of ['/bin/sh', 'env PATH=/tmp/bb sh'])
      t.match(
        await sh(`${shell} -c ${quote(script)}`),
        /^\/home\/bob\nuid=\d+\(bob\) gid=\d+\(bob\) groups=\d+\(bob\)[^(]*\n/,
      )
    t.equal(await sh(`setpriv --reuid=bob --regid=bob --clear-groups sh -c ${quote(inHome('bob', 'id -un'))}`), 'bob\n')
    const refused = await roots.exec(
      'node1',
      `setpriv --reuid=bob --regid=bob --clear-groups sh -c ${quote(inHome('alice', 'id'))}`,
    )
    t.match(refused, { code: 1, stdout: /^$/, stderr: 'only alice and root may do this; log in as root' })
  })

  await t.test('links and things of others in the way are told, and left alone', async t => {
    for (const [damage, message] of [
      ['ln -s /root ~bob/.ssh', /\/home\/bob\/\.ssh is a symbolic link; it has to be a real folder/],
      [
        'mkdir ~bob/.ssh; ln -s /etc/shadow ~bob/.ssh/authorized_keys; chown -R -h bob: ~bob/.ssh',
        /authorized_keys is a symbolic link; it has to be a real file/,
      ],
      ['mkdir ~bob/.ssh', /\.ssh belongs to the user with number 0, not to bob; change that first, with chown/],
      ['mkdir -p ~bob/.ssh/authorized_keys; chown -R bob: ~bob/.ssh', /authorized_keys is no file/],
      [': >~bob/.ssh', /\.ssh is no folder/],
    ] as const) {
      await sh(`rm -rf ~bob/.ssh; ${damage}`)
      const before = await sh('ls -laR ~bob; cat /etc/shadow')
      const { outcome, stdout } = await runOn(authorizedKey, { user: 'bob', keys: bob.publicKey }, ssh, { diff: true })
      t.match(outcome, { kind: 'failed', error: { message } }, damage)
      t.equal(stdout, '')
      t.equal(await sh('ls -laR ~bob; cat /etc/shadow'), before)
    }
    await sh('rm -rf ~bob/.ssh')
  })

  await t.test('no user, no home: a check says what is missing, applying fails with it', async t => {
    for (const [user, what, message] of [
      ['nobody-here', /add the key, once there is the user/, /there is no user nobody-here/],
      ['homeless', /add the key, once there is a home/, /there is no folder \/none, the home of homeless/],
    ] as const) {
      const options = { user, keys: alice.publicKey }
      t.match(await runOn(authorizedKey, options, ssh, { apply: false }), {
        outcome: { kind: 'ok', changed: true },
        stdout: what,
      })
      t.match((await runOn(authorizedKey, options, ssh)).outcome, { kind: 'failed', error: { message } })
      t.match((await runOn(authorizedKey, { ...options, state: 'absent' }, ssh)).outcome, {
        kind: 'ok',
        changed: false,
      })
    }
  })

  await t.test('a diff tells which keys, not what is in the file', async t => {
    const options = {
      user: 'bob',
      keys: [`${alice.publicKey} alice@laptop`, bob.publicKey.split(' ').slice(0, 2).join(' ')],
    }
    const { stdout } = await runOn(authorizedKey, options, ssh, { diff: true })
    t.match(stdout, /changed bob: make \/home\/bob\/\.ssh\n/)
    t.match(stdout, /changed bob: add ssh-ed25519 "alice@laptop", add ssh-ed25519 SHA256:\S{43}\n/)
    t.notMatch(stdout, /AAAA/)
  })
})

/** Who sshd takes one for. */
const login = async (folder: string, roots: Roots, user: string, privateKey: string): Promise<string> => {
  const identity = join(folder, 'key')
  await writeFile(identity, privateKey, { mode: 0o600 })
  const [node] = roots.targets
  const words = ['-F', 'none', '-i', identity, '-p', String(node?.port), '-o', `UserKnownHostsFile=${roots.knownHosts}`]
  const ssh = findProgram('ssh') ?? 'ssh'
  const { stdout } = await promisify(execFile)(ssh, [
    ...words,
    '-o',
    'BatchMode=yes',
    `${user}@${node?.address}`,
    'id -un',
  ])
  return stdout
}
