import { execFile } from 'node:child_process'
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { chooseAlgorithms } from '../../../src/connection/ssh-config/algorithms.ts'
import {
  type HostSettings,
  loadSshConfig,
  type SshConfigOptions,
} from '../../../src/connection/ssh-config/ssh-config.ts'
import { need } from '../../fixtures/servers/debian.ts'

const io = { signal: new AbortController().signal }
const ENV = { SSH_AUTH_SOCK: '/run/agent', KEYS: '/keys' }

/** A configuration from texts, with the notices it gave. */
const load = async (t: Test, user: string, more: Partial<SshConfigOptions> & { system?: string } = {}) => {
  const folder = t.testdir({ user, system: more.system ?? '' })
  const notices: string[] = []
  const options = { userFile: join(folder, 'user'), systemFile: join(folder, 'system'), home: '/home/me', env: ENV }
  const config = await loadSshConfig({ ...options, warn: text => notices.push(text), ...more }, io)
  return { config, notices, folder }
}

/** What `ssh -G` prints, by keyword. */
const asked = async (file: string, name: string, user?: string): Promise<ReadonlyMap<string, readonly string[]>> => {
  const words = ['-G', '-F', file, ...(user === undefined ? [] : ['-l', user]), name]
  const { stdout } = await promisify(execFile)('ssh', words, { env: { ...process.env, ...ENV } })
  const lines = stdout.split('\n').filter(line => line.includes(' '))
  return new Map(
    [...Map.groupBy(lines, line => line.slice(0, line.indexOf(' ')))].map(([keyword, found]) => [
      keyword,
      found.map(line => line.slice(keyword.length + 1)),
    ]),
  )
}

/** Our settings in the words of `ssh -G`. Key files are not among them: it prints those unexpanded. */
const inItsWords = (settings: HostSettings) => ({
  hostname: settings.hostName,
  user: settings.user,
  port: String(settings.port),
  identitiesonly: settings.identitiesOnly ? 'yes' : 'no',
  userknownhostsfile: settings.userKnownHostsFiles.join(' ') || 'none',
  globalknownhostsfile: settings.globalKnownHostsFiles.join(' ') || 'none',
  hostkeyalias: settings.hostKeyAlias,
  proxycommand: settings.proxyCommand,
  // What ssh takes for them when nothing is set is not what we take.
  serveraliveinterval: String(settings.serverAliveInterval ?? 0),
  serveralivecountmax: String(settings.serverAliveCountMax ?? 3),
  proxyjump:
    settings.proxyJump
      .map(({ user, host, port }) => {
        const place = host.includes(':') ? `[${host}]` : host
        return `${user ? `${user}@` : ''}${place}${port ? `:${port}` : ''}`
      })
      .join(',') || undefined,
})

const FILES: Readonly<Record<string, string>> = {
  'first value wins, in any section': `
    User first
    Host web1
      User second
      Port 2201
    Host web*
      Port 2202
      HostName web.lan`,
  'patterns, negation and the order of sections': `
    Host web? !web2
      Port 1001
    Host *.example.com 10.0.0.*
      Port 1002
    Host !db *
      User not-db
    Host db
      User db`,
  'spellings: equals signs, quotes, escapes, tabs, comments, case': `
    host=web1
    \tHOSTNAME = "quoted.lan"   # a comment
      uSeR 'mal lory'
      Port=2200
      UserKnownHostsFile /k/a "/k/b c" /k/d\\ e
    # Host "unclosed
    Host "db" # web2
      User dba`,
  'Windows line ends': 'Host web1\r\n  User bob\r\n  Port 2200\r\n\r\nHost *\r\n  User other\r\n',
  'HostName with the name in it, and mixed case': `
    Host web1
      HostName %h.Example.COM
    Host WEB2
      User upper
    Host db
      HostName 100%%.lan`,
  'Match on what is known by then': `
    Host web*
      HostName inner.lan
    Match host inner.lan
      User matched-host
    Match originalhost web*,!web2 user matched-host
      Port 2201
    Match !originalhost web* localuser ${userInfo().username}
      Port 2202
    Match host=db
      HostKeyAlias Base
    Match all
      User everyone`,
  'Match user sees the user given': `
    Match user cli
      Port 2201
    Match user !cli,*
      Port 2202`,
  'a second reading for Match final': `
    Host inner.lan
      Port 2203
    Match final host inner.lan
      HostKeyAlias second
    Match canonical all
      User canonical
    Host web1
      HostName Inner.lan`,
  'ProxyJump and ProxyCommand: the first of either': `
    Host web1
      ProxyJump a@one:22,two,[fe80::1]:2200,ssh://b@three:2201
      ProxyCommand nc %h %p
    Host web2
      ProxyCommand nc "%h" %p # as it stands
      ProxyJump one
    Host db
      ProxyJump none
    Host 10.0.0.1
      ProxyCommand none
    Host *
      ProxyJump last`,
  'signs of life: times in the forms of ssh': `
    Host web1
      ServerAliveInterval 1m30s
      ServerAliveCountMax 7
    Host web2
      ServerAliveInterval none
    Host db
      ServerAliveInterval 2H
    Host *
      ServerAliveInterval 20`,
  'known hosts: tokens, home and none': `
    Host web1
      HostKeyAlias Alias
      HostName real.lan
      UserKnownHostsFile ~/kh/%k /kh/%h-%n-%p-%r-%u-%i-%%-%d
      GlobalKnownHostsFile none
    Host db
      UserKnownHostsFile none
      GlobalKnownHostsFile /g/1 /g/2
    Host *
      UserKnownHostsFile \${KEYS}/kh`,
}

t.test('everything means what it means to ssh', async t => {
  if (!need(t, 'ssh', 'openssh-client')) return
  for (const [title, text] of Object.entries(FILES)) {
    const { config, folder } = await load(t, text, { home: userInfo().homedir })
    const cases = ['web1', 'web2', 'WEB2', 'db', 'a.example.com', '10.0.0.1'].flatMap(name => [[name], [name, 'cli']])
    await Promise.all(
      cases.map(async ([name = '', user]) => {
        const ours = inItsWords(config.lookup(name, user))
        const theirs = await asked(join(folder, 'user'), name, user)
        for (const [keyword, value] of Object.entries(ours))
          t.equal(value, theirs.get(keyword)?.join('\n'), `${title}: ${keyword} of ${user ?? ''}@${name}`)
      }),
    )
  }
})

t.test('the system file speaks after the user file', async t => {
  const { config } = await load(t, 'Host web1\n User mine', { system: 'Host web1\n User theirs\n Port 2200' })
  t.match(config.lookup('web1'), { user: 'mine', port: 2200 })
})

t.test('no files at all are an empty configuration', async t => {
  const none = join(t.testdir(), 'none')
  const notice = (text: string) => t.fail(text)
  const env = {}
  const config = await loadSshConfig(
    { userFile: none, systemFile: join(none, 'x'), home: '/home/me', env, warn: notice },
    io,
  )
  t.strictSame(config.lookup('Web1', 'bob'), {
    name: 'Web1',
    hostName: 'web1',
    port: 22,
    user: 'bob',
    identityFiles: undefined,
    identitiesOnly: false,
    identityAgent: undefined,
    userKnownHostsFiles: ['/home/me/.ssh/known_hosts', '/home/me/.ssh/known_hosts2'],
    globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    strictHostKeyChecking: undefined,
    certificateFiles: [],
    hostKeyAlias: undefined,
    checkHostIp: false,
    hashKnownHosts: false,
    requiredRsaSize: 1024,
    proxyJump: [],
    proxyCommand: undefined,
    hostKeyAlgorithms: undefined,
    kexAlgorithms: undefined,
    ciphers: undefined,
    macs: undefined,
    pubkeyAcceptedAlgorithms: undefined,
    serverAliveInterval: undefined,
    serverAliveCountMax: undefined,
    connectTimeout: undefined,
    connectionAttempts: 1,
    addressFamily: 'any',
    bindAddress: undefined,
    bindInterface: undefined,
    tcpKeepAlive: true,
    compression: false,
    service: undefined,
    environment: {},
    notFollowed: [],
    matched: false,
  })
})

t.test('key files add up, in order, expanded; none means none', async t => {
  const { config } = await load(
    t,
    `Host web1
      IdentityFile ~/.ssh/%h-%r
      IdentityFile "/k/with space"
    Host web*
      HostName %h.lan
      IdentityFile \${KEYS}/a
      IdentityFile ~/.ssh/%h-%r
    Host db
      IdentityFile none`,
  )
  t.strictSame(config.lookup('web1', 'bob').identityFiles, ['/home/me/.ssh/web1.lan-bob', '/k/with space', '/keys/a'])
  t.strictSame(config.lookup('db').identityFiles, [])
  t.equal(config.lookup('other').identityFiles, undefined)
})

t.test('the agent: a path, a variable, none', async t => {
  const { config } = await load(
    t,
    `Host path\n IdentityAgent ~/agent-%r\nHost variable\n IdentityAgent $KEYS\nHost unset\n IdentityAgent $NOT_SET
     Host none\n IdentityAgent none\nHost usual\n IdentityAgent SSH_AUTH_SOCK`,
  )
  const agents = ['path', 'variable', 'unset', 'none', 'usual', 'other'].map(
    name => config.lookup(name, 'bob').identityAgent,
  )
  t.strictSame(agents, ['/home/me/agent-bob', '/keys', undefined, undefined, '/run/agent', '/run/agent'])
})

t.test('host key checking is never off, and that is told once', async t => {
  const { config, notices, folder } = await load(
    t,
    'Host a\n StrictHostKeyChecking accept-new\nHost b\n StrictHostKeyChecking ASK\nHost *\n StrictHostKeyChecking no',
  )
  const policies = ['a', 'b', 'c', 'd'].map(name => config.lookup(name).strictHostKeyChecking)
  t.strictSame(policies, ['accept-new', 'strict', 'accept-new', 'accept-new'])
  t.strictSame(notices, [
    `${join(folder, 'user')}:6: host keys are checked all the same: StrictHostKeyChecking no counts as accept-new`,
  ])
})

t.test('Match exec runs nothing; it is not followed, and that matters only where it would have counted', async t => {
  const { config, folder } = await load(
    t,
    `Match originalhost web* exec "touch ${join(t.testdirName, 'ran')}"\n User exec\nMatch tagged x\n User tag`,
  )
  const file = join(folder, 'user')
  const tagged = { keyword: 'Match tagged', location: { file, line: 3 }, weight: 'openssh' }
  t.equal(config.lookup('db', 'me').user, 'me')
  t.strictSame(config.lookup('db').notFollowed, [tagged])
  for (const name of ['web1', 'web2']) {
    t.not(config.lookup(name).user, 'exec')
    const exec = { keyword: 'Match exec', location: { file, line: 1 }, weight: 'openssh' }
    t.strictSame(config.lookup(name).notFollowed, [exec, tagged])
  }
  t.strictSame(readdirSync(t.testdirName).toSorted(), ['system', 'user'], 'nothing has run')
})

t.test('what is not followed: the first value counts, and one which asks for nothing is none', async t => {
  const { config } = await load(
    t,
    `Host web*\n CanonicalizeHostname yes\n RevokedHostKeys /r\nHost db\n SmartcardDevice /lib/pkcs11.so\n ProxyCommand nc %h %p
     ForwardAgent no\nHost *\n CanonicalizeHostname no\n RevokedHostKeys none\n ForwardAgent yes\n VisualHostKey yes`,
  )
  const lost = (name: string) => config.lookup(name).notFollowed.map(({ keyword, weight }) => `${keyword} ${weight}`)
  t.strictSame(lost('web1'), ['CanonicalizeHostname openssh', 'RevokedHostKeys refuse', 'ForwardAgent told'])
  t.strictSame(lost('db'), ['PKCS11Provider openssh', 'ProxyCommand refuse'])
  t.strictSame(lost('x'), ['ForwardAgent told'])
})

t.test('keywords which nobody knows are not followed either, unless they may be unknown', async t => {
  const { config } = await load(t, 'Host a\n IgnoreUnknown New*\nHost *\n NewThing 1\n constructor x\n Other y')
  const lost = (name: string) => config.lookup(name).notFollowed.map(({ keyword, weight }) => `${keyword} ${weight}`)
  t.strictSame(lost('a'), ['constructor unknown', 'other unknown'])
  t.strictSame(lost('b'), ['newthing unknown', 'constructor unknown', 'other unknown'])
})

t.test('GSSAPI of the system’s file is Debian’s doing, that of one’s own file is meant', async t => {
  const both = 'GSSAPIAuthentication yes\nGSSAPIKeyExchange yes'
  const { config: theirs } = await load(t, '', { system: both })
  t.strictSame(
    theirs.lookup('x').notFollowed.map(({ keyword, weight }) => `${keyword} ${weight}`),
    ['GSSAPIAuthentication keyless', 'GSSAPIKeyExchange keyless'],
  )
  const { config: mine } = await load(t, both)
  t.strictSame(
    mine.lookup('x').notFollowed.map(({ keyword, weight }) => `${keyword} ${weight}`),
    ['GSSAPIAuthentication openssh', 'GSSAPIKeyExchange openssh'],
  )
})

t.test('variables for the target: those which are named and here, and those which are set', async t => {
  const { config } = await load(
    t,
    'Host a\n SendEnv LANG LC_*\n SetEnv A=1 "B=two words" A=3 LC_X=set\n SetEnv C=no\nHost b\n SendEnv *\n SendEnv -*',
    { env: { LANG: 'C', LC_ALL: 'D', LC_X: 'sent', OTHER: 'x', LC_NONE: undefined } },
  )
  t.strictSame(config.lookup('a').environment, { LANG: 'C', LC_ALL: 'D', LC_X: 'set', A: '1', B: 'two words' })
  t.strictSame(config.lookup('b').environment, {})
})

t.test('whether somebody has written about the host', async t => {
  const { config } = await load(
    t,
    'Host *\n Port 1\nHost web1 *.lan\n User a\nHost db *\n User b\nMatch originalhost m1\n User c\nMatch user x\n User d',
  )
  const matched = ['web1', 'a.lan', 'db', 'm1', 'other'].map(name => config.lookup(name, 'x').matched)
  t.strictSame(matched, [true, true, true, true, false])
})

t.test('ProxyJump tokens stand for the target', async t => {
  const { config } = await load(t, 'Host web1\n HostName real\n ProxyJump %r@gate-%h-%n:2200')
  t.strictSame(config.lookup('web1', 'bob').proxyJump, [{ user: 'bob', host: 'gate-real-web1', port: 2200 }])
})

t.test('includes: globs in order, relative to the folder of their kind, inside the section they stand in', async t => {
  const home = t.testdir({
    '.ssh': {
      config: `Include conf.d/*.conf nothing-here
        Host web1
          Include "web one.conf" ~/elsewhere
        Include /nowhere/*`,
      'web one.conf': 'User in-section\nHost db\n User not-reached\nMatch all\n Port 2201',
      'conf.d': {
        'b.conf': 'Host *\n HostKeyAlias b',
        'a.conf': 'HostKeyAlias a\nHost other\n Port 2202',
        '.hidden.conf': 'Port 9999',
        'folder.conf': {},
      },
    },
    elsewhere: 'IdentitiesOnly yes',
  })
  const notice = (text: string) => t.fail(text)
  const config = await loadSshConfig({ home, systemFile: join(home, 'none'), warn: notice }, io)
  t.match(config.lookup('web1'), { user: 'in-section', port: 2201, hostKeyAlias: 'a', identitiesOnly: true })
  t.match(config.lookup('db', 'me'), { user: 'me', port: 22, identitiesOnly: false })
  t.match(config.lookup('other'), { port: 2202, hostKeyAlias: 'a' })
})

t.test('a mistake is an error with file and line', async t => {
  const folder = join(t.testdirName, 'user')
  for (const [text, expected] of [
    ['\n\nPort 22x', ':3: port wants a port from 1 to 65535, not "22x"'],
    ['Port', ':1: Port has no value'],
    ['User "bob', ':1: User has an open quote'],
    ['User a b', ':1: user takes one value; "b" is too much'],
    ['StrictHostKeyChecking maybe', ':1: stricthostkeychecking is one of yes, true, ask'],
    ['Host ""', ':1: Host has an empty pattern'],
    ['Match host', ':1: Match "host" has no value'],
    ['Match host a user b all', ':1: Match all cannot be combined'],
    ['ProxyJump a b', ':1: ProxyJump: "a b" is not [user@]host[:port]'],
    ['ServerAliveInterval 5y', ':1: serveraliveinterval wants a time such as 15 or 1m, not "5y"'],
    ['ServerAliveCountMax -1', ':1: serveralivecountmax wants a number, not "-1"'],
    ['Ciphers +', ':1: ciphers names no algorithm'],
    ['UserKnownHostsFile ""', ':1: userknownhostsfile has an empty file name'],
    ['Include ~other/x', ':1: Include cannot use the path "~other/x"'],
    ['= x', ':1: "= x" does not start with an option'],
  ] as const)
    await t.rejects(load(t, text), { code: 'CONFIG', message: `${folder}${expected}` }, text)
  for (const [text, expected] of [
    ['Host *\n IdentityFile /k/%Z', ':2: %Z in /k/%Z cannot be expanded'],
    ['IdentityFile $' + '{NOT_SET}/k', ':1: the environment has no NOT_SET'],
    ['IdentityFile ~root/k', ":1: ~root/k: other users' home folders are not looked up"],
    ['HostName %r', ':1: %r in %r cannot be expanded'],
  ] as const) {
    const { config } = await load(t, text)
    t.throws(() => config.lookup('web1'), { code: 'CONFIG', subject: folder, message: `${folder}${expected}` }, text)
  }
})

t.test('an include of itself ends with an error', async t => {
  const home = t.testdir({ '.ssh': { config: 'Include config' } })
  const options = { home, systemFile: join(home, 'none'), warn: () => {} }
  await t.rejects(loadSshConfig(options, io), { code: 'CONFIG', message: /config:1: includes are nested more than 16/ })
})

t.test('a file which others can write is refused', async t => {
  const folder = t.testdir({ user: 'User bob', inner: 'User eve', system: '' })
  const paths = { userFile: join(folder, 'user'), systemFile: join(folder, 'system') }
  const options = { ...paths, home: folder, warn: () => {} }
  chmodSync(paths.systemFile, 0o666)
  t.equal((await loadSshConfig(options, io)).lookup('x').user, 'bob', 'the system file is the system’s affair')
  writeFileSync(paths.systemFile, `Include ${join(folder, 'inner')}`)
  chmodSync(join(folder, 'inner'), 0o666)
  await t.rejects(loadSshConfig(options, io), { code: 'CONFIG', message: /inner: others can write to it/ })
  chmodSync(paths.userFile, 0o620)
  await t.rejects(loadSshConfig(options, io), { code: 'CONFIG', subject: paths.userFile })
})

t.test('a file which cannot be read is told and left out', async t => {
  const home = t.testdir({ loop: t.fixture('symlink', 'loop') })
  const notices: string[] = []
  const options = { userFile: join(home, 'loop'), systemFile: home, warn: (text: string) => notices.push(text) }
  t.equal((await loadSshConfig(options, io)).lookup('web1').port, 22)
  t.match(notices, [/loop cannot be read and is left out: ELOOP/])
  t.equal(notices.length, 1, 'a folder is an empty file')
})

t.test('changes to the algorithms apply to our defaults', t => {
  const defaults = ['a', 'b', 'b2']
  const supported = [...defaults, 'c', 'd']
  for (const [kind, names, expected] of [
    ['only', ['d', 'x', 'a', 'd'], ['d', 'a']],
    ['append', ['c', 'a', 'x'], ['a', 'b', 'b2', 'c']],
    ['prepend', ['b', 'd'], ['b', 'd', 'a', 'b2']],
    ['remove', ['b*', 'x'], ['a']],
  ] as const)
    t.strictSame(chooseAlgorithms({ kind, names }, defaults, supported), expected, kind)
  t.end()
})

t.test('algorithm lists keep their sign', async t => {
  const { config } = await load(
    t,
    'HostKeyAlgorithms ^ssh-ed25519\nKexAlgorithms +a,b\nCiphers -*cbc\nMACs one,two\nKexAlgorithms c',
  )
  t.match(config.lookup('x'), {
    hostKeyAlgorithms: { kind: 'prepend', names: ['ssh-ed25519'] },
    kexAlgorithms: { kind: 'append', names: ['a', 'b'] },
    ciphers: { kind: 'remove', names: ['*cbc'] },
    macs: { kind: 'only', names: ['one', 'two'] },
  })
})

t.test('each of many names is found among many sections', async t => {
  const sections = Array.from({ length: 200 }, (_, n) => `Host h${n} *.c${n}.lan\n HostName 10.0.0.${n}\n User u%n\n`)
  const { config } = await load(t, sections.join('').replaceAll('%n', ''))
  const found = Array.from({ length: 10_000 }, (_, n) => config.lookup(`h${n % 400}`).hostName)
  t.strictSame(found.slice(0, 3), ['10.0.0.0', '10.0.0.1', '10.0.0.2'])
  t.equal(new Set(found).size, 400, 'those of no section keep their names')
})

t.test('a stopped run reads nothing', async t => {
  const signal = AbortSignal.abort(new Error('stopped'))
  await t.rejects(loadSshConfig({ warn: () => {} }, { signal }), { message: 'stopped' })
})
