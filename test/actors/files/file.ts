import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { file } from '../../../actors/files/file.ts'
import type { Actor } from '../../../src/run/actor.ts'
import {
  type ConvergentCase,
  convergentContract,
  localHost,
  runOn,
  sshHosts,
} from '../../fixtures/contracts/convergent.ts'
import { act, target } from '../../fixtures/program/act.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox-root.ts'
import { counted } from '../../fixtures/roots/shells.ts'

const actor = file as Actor
const isRoot = process.getuid?.() === 0

const NAMES = ['-n', `quo'te "dou"ble back\\slash`, '$(touch x) `id` * %s', 'ünï new\nline, and ends ']
const CONTENT = `it's "$(x)" \`y\` \\ %s\\n ünï\n\n-n\nno newline at the end`

const source = `${t.testdir({ source: Buffer.concat([Buffer.from('a\0b\n'), randomBytes(200_000)]) })}/source`

const cases: readonly ConvergentCase[] = [
  ...NAMES.map(
    (name): ConvergentCase => ({
      title: `a file called ${JSON.stringify(name)}`,
      options: ({ folder }) => ({ path: `${folder}/${name}`, content: CONTENT }),
      after: async (t, { folder, sh }) => t.equal(await sh(`cd ${folder}; cat ./*`), CONTENT),
      reverse: ({ folder }) => ({ path: `${folder}/${name}`, state: 'absent' }),
      reversed: async (t, { folder, sh }) => t.equal(await sh(`ls -A ${folder}`), ''),
    }),
  ),
  {
    title: 'bytes of any kind from a source file',
    before: ({ folder, sh }) => sh(`echo old >${folder}/f`),
    options: ({ folder }) => ({ path: `${folder}/f`, source }),
    after: async (t, { folder, sh }) => {
      const { createHash } = await import('node:crypto')
      const sum = createHash('sha256').update(readFileSync(source)).digest('hex')
      t.match(await sh(`sha256sum <${folder}/f`), sum)
    },
    reverse: ({ folder }) => ({ path: `${folder}/f`, content: '' }),
    reversed: async (t, { folder, sh }) => t.equal(await sh(`wc -c <${folder}/f`).then(Number), 0),
  },
  {
    title: 'a template text',
    options: ({ folder }) => ({ path: `${folder}/f`, template: 'I am {{node.name}}\n', mode: '0640' }),
    after: async (t, { folder, sh, host }) => {
      t.equal(await sh(`cat ${folder}/f`), `I am ${host.name}\n`)
      t.match(await sh(`ls -l ${folder}/f`), /^-rw-r-----/)
    },
    reverse: ({ folder }) => ({ path: `${folder}/f`, mode: 600 }),
    reversed: async (t, { folder, sh }) => t.match(await sh(`ls -l ${folder}/f`), /^-rw-------/),
  },
  {
    title: 'modes with set-id bits, also of a directory',
    before: ({ folder, sh }) => sh(`mkdir ${folder}/d`),
    options: ({ folder }) => ({ path: `${folder}/d`, state: 'directory', mode: '2770' }),
    after: async (t, { folder, sh }) => t.match(await sh(`ls -ld ${folder}/d`), /^drwxrws---/),
    reverse: ({ folder }) => ({ path: `${folder}/d`, state: 'directory', mode: '0755' }),
    reversed: async (t, { folder, sh }) => t.match(await sh(`ls -ld ${folder}/d`), /^drwxr-xr-x/),
  },
  {
    title: 'a directory with those above it',
    options: ({ folder }) => ({ path: `${folder}/a/b c/d/`, state: 'directory', mode: '0750' }),
    after: async (t, { folder, sh }) =>
      t.match(await sh(`ls -ld ${folder}/a '${folder}/a/b c/d'`), /^drwxr-xr-x.*\ndrwxr-x---/),
    reverse: ({ folder }) => ({ path: `${folder}/a`, state: 'absent', force: 'yes' }),
  },
  {
    title: 'a link, and where it leads to',
    before: ({ folder, sh }) => sh(`mkdir ${folder}/old ${folder}/new; ln -s old ${folder}/link`),
    options: ({ folder }) => ({ path: `${folder}/link`, target: "it's new\nhere" }),
    after: async (t, { folder, sh }) => t.equal(await sh(`readlink ${folder}/link`), "it's new\nhere\n"),
    reverse: ({ folder }) => ({ path: `${folder}/link`, state: 'symlink', target: 'new' }),
    reversed: async (t, { folder, sh }) => t.equal(await sh(`readlink ${folder}/link; ls ${folder}/new`), 'new\n'),
  },
  {
    title: 'a file in the place of a link to a file',
    before: ({ folder, sh }) => sh(`echo kept >${folder}/to; ln -s to ${folder}/f`),
    options: ({ folder }) => ({ path: `${folder}/f`, content: 'mine\n' }),
    after: async (t, { folder, sh }) => t.equal(await sh(`cat ${folder}/to ${folder}/f`), 'kept\nmine\n'),
    reverse: ({ folder }) => ({ path: `${folder}/f`, target: 'to', force: true }),
    reversed: async (t, { folder, sh }) => t.equal(await sh(`cat ${folder}/f`), 'kept\n'),
  },
  {
    title: 'all that is in a directory',
    before: ({ folder, sh }) =>
      sh(
        `cd ${folder}; mkdir -p d/e 'd/a b'; : >d/f; : >'d/a b/$(g)'; ln -s /nowhere d/l; chmod 700 d/e; chmod 600 d/f`,
      ),
    options: ({ folder }) => ({
      path: `${folder}/d`,
      state: 'directory',
      mode: '0755',
      recursive: true,
      'file-mode': '0640',
    }),
    after: async (t, { folder, sh }) => {
      t.equal(await sh(`cd ${folder}; find d -type d -perm 0755 | wc -l`).then(Number), 3)
      t.equal(await sh(`cd ${folder}; find d -type f -perm 0640 | wc -l`).then(Number), 2)
    },
    reverse: ({ folder }) => ({ path: `${folder}/d`, state: 'directory', mode: '0750', recursive: true }),
  },
  {
    title: 'a backup of what is replaced, and of what is removed',
    before: ({ folder, sh }) => sh(`echo old >${folder}/f; chmod 604 ${folder}/f`),
    options: ({ folder }) => ({ path: `${folder}/f`, content: 'new\n', backup: true }),
    after: async (t, { folder, sh }) => {
      t.equal(await sh(`cat ${folder}/f.*Z~`), 'old\n')
      t.match(await sh(`ls -l ${folder}/f.*Z~ ${folder}/f`), /^(-rw----r--.*\n){2}$/)
    },
    reverse: ({ folder }) => ({ path: `${folder}/f`, state: 'absent', backup: true }),
    reversed: async (t, { folder, sh }) => t.equal(await sh(`cat ${folder}/f.*~ | sort`), 'new\nold\n'),
  },
]

/** Only root gives files away. */
const ofRoot: readonly ConvergentCase[] = [
  {
    title: 'an owner and a group, by name and by number',
    before: ({ folder, sh }) => sh(`echo x >${folder}/f; chmod 4755 ${folder}/f`),
    options: ({ folder }) => ({ path: `${folder}/f`, content: 'y\n', owner: '33', group: 'staff' }),
    after: async (t, { folder, sh }) => t.match(await sh(`ls -ln ${folder}/f`), /^-rwsr-xr-x +1 +33 +50 /),
    reverse: ({ folder }) => ({ path: `${folder}/f`, owner: 'root', group: 0 }),
    reversed: async (t, { folder, sh }) => t.match(await sh(`ls -ln ${folder}/f`), /^-rwsr-xr-x +1 +0 +0 /),
  },
  {
    title: 'the owner stays when the content changes',
    before: ({ folder, sh }) => sh(`echo x >${folder}/f; chown 33:50 ${folder}/f`),
    options: ({ folder }) => ({ path: `${folder}/f`, content: 'y\n' }),
    after: async (t, { folder, sh }) => t.match(await sh(`ls -ln ${folder}/f`), / 33 +50 /),
  },
  {
    title: 'the owner of all that is in a directory, and of a link',
    before: ({ folder, sh }) => sh(`cd ${folder}; mkdir -p d/e; : >d/e/f; ln -s /etc/passwd d/l`),
    options: ({ folder }) => ({ path: `${folder}/d`, state: 'directory', owner: 33, recursive: true }),
    after: async (t, { folder, sh }) => {
      t.equal(await sh(`find ${folder}/d -user 33 | wc -l`).then(Number), 4)
      t.match(await sh('ls -lnL /etc/passwd'), /1 +0 +0 /)
    },
    reverse: ({ folder }) => ({ path: `${folder}/d/l`, target: '/etc/passwd', owner: 0 }),
  },
]

const busybox = busyboxHosts(t)
await convergentContract(t, file, cases, [localHost(t), ...(await sshHosts(t)), ...busybox])
if (isRoot) await convergentContract(t, file, ofRoot, [localHost(t), ...busybox])

const place = async (t: Test): Promise<{ folder: string; path: string }> => {
  const folder = t.testdir({ f: 'old\n' })
  return { folder, path: `${folder}/f` }
}

t.test('what is refused, is refused with the way out, and nothing is touched', async t => {
  const folder = t.testdir({ file: 'x', full: { inside: '' }, link: t.fixture('symlink', 'file') })
  const refused = [
    [{ path: `${folder}/full`, state: 'absent' }, /full: is a directory, and not empty; with force/],
    [{ path: `${folder}/full`, content: '' }, /full: there is a directory, not a file; with force/],
    [{ path: `${folder}/file`, state: 'directory' }, /file: there is a file \(1 bytes\), not a directory; with force/],
    [{ path: `${folder}/file`, target: 'x' }, /not a link; with force/],
    [{ path: `${folder}/link`, mode: '600' }, /link: is a link to file; name what it leads to/],
    [
      { path: `${folder}/no/such/f`, content: '' },
      /there is no folder .*\/no\/such; the actor file makes it, with state=directory/,
    ],
    [{ path: `${folder}/file/f`, content: '' }, /there is no folder .*\/file;/],
    [{ path: `${folder}/file`, owner: 'nobody-of-that-name' }, /owner root -> nobody-of-that-name: chown: .*invalid/],
  ] as const
  for (const [options, message] of isRoot ? refused : refused.slice(0, -1)) {
    const { outcome } = await act(actor, options, target('n1'))
    t.match(outcome, { kind: 'failed', error: { code: 'ACTOR_FAILED', message } })
  }
  t.strictSame(readdirSync(folder).sort(), ['file', 'full', 'link'])
})

t.test('by force a file takes the place of a directory, and the other way round', async t => {
  const folder = t.testdir({ file: 'x', full: { inside: '' } })
  const full = { path: `${folder}/full`, content: 'y', force: true }
  t.match((await act(actor, full, target('n1'))).stdout, /changed .*full: remove the directory, create \(1 bytes\)\n/)
  await act(actor, { path: `${folder}/file`, state: 'directory', force: true, backup: true }, target('n1'))
  t.ok(statSync(`${folder}/file`).isDirectory())
  t.equal(readFileSync(`${folder}/full`, 'utf8'), 'y')
  t.equal(readdirSync(folder).length, 3, 'with its backup')
})

t.test('a diff shows what changes, in a check and when applied', async t => {
  const { path } = await place(t)
  const options = { path, content: 'new\n' }
  const diff = `--- ${path}\n+++ ${path}\n@@ -1,1 +1,1 @@\n-old\n+new\n`
  const checked = await act(actor, options, target('n1'), { apply: false, diff: true })
  t.equal(checked.stdout, `would change ${path}: content (4 -> 4 bytes)\n${diff}`)
  const applied = await act(actor, options, target('n1'), { diff: true })
  t.equal(applied.stdout, `changed ${path}: content (4 -> 4 bytes)\n${diff}`)
  t.equal((await act(actor, options, target('n1'), { diff: true })).stdout, '')
})

t.test('what only the owner may read is in no diff, unless asked', async t => {
  const { path } = await place(t)
  const show = async (options: object) => {
    const { stdout } = await act(actor, { path, ...options }, target('n1'), { apply: false, diff: true })
    return stdout.split('\n').slice(1).join('\n')
  }
  const hidden = `(${path}: the content is secret; not shown)\n`
  t.equal(await show({ content: 'pass\n', mode: '0600' }), hidden)
  t.equal(await show({ content: 'pass\n', secret: true }), hidden)
  t.match(await show({ content: 'pass\n', mode: '0600', secret: false }), /\+pass/)
  t.match(await show({ content: 'pass\n', mode: '0640' }), /\+pass/)
  await act(actor, { path, mode: '0600' }, target('n1'))
  t.equal(await show({ content: 'pass\n' }), hidden, 'also when it is so on the target alone')
  t.equal(await show({ content: 'pass\n', mode: '0644' }), hidden)
})

t.test('bytes are not shown as text', async t => {
  const { path, folder } = await place(t)
  writeFileSync(`${folder}/source`, Buffer.from([0xff, 0xfe, 10]))
  const { stdout } = await act(actor, { path, source: `${folder}/source` }, target('n1'), { apply: false, diff: true })
  t.match(stdout, /not text; 4 -> 3 bytes/)
})

t.test('50 MB are sent once, compared by checksum, and not sent again', async t => {
  const folder = t.testdir({})
  const block = randomBytes(1 << 20)
  writeFileSync(`${folder}/source`, Buffer.concat(Array.from({ length: 50 }, () => block)))
  const options = { path: `${folder}/copy`, source: `${folder}/source`, mode: '0640' }
  const run = async () => {
    const connection = counted()
    const { outcome } = await act(actor, options, target('n1'), { connect: async () => connection, diff: true })
    return { ...outcome, inputs: connection.commands.filter(({ stdin }) => stdin).length }
  }
  t.match(await run(), { kind: 'ok', changed: true, inputs: 1 })
  t.ok(readFileSync(`${folder}/copy`).equals(readFileSync(`${folder}/source`)))
  t.match(await run(), { kind: 'ok', changed: false, inputs: 0 })
  writeFileSync(`${folder}/copy`, 'x', { flag: 'r+' })
  t.match(await run(), { kind: 'ok', changed: true, inputs: 1 }, 'one byte is enough')
})

t.test('without a program for checksums, it says which would do', async t => {
  if (busybox.length === 0) return t.plan(0, 'no busybox')
  const [host] = busybox as [(typeof busybox)[0]]
  const folder = await host.folder()
  const options = { path: `${folder}/f`, content: 'same size' }
  await runOn(actor, options, host)
  const connection = await host.connect()
  const blind = {
    ...connection,
    exec: (command: Parameters<typeof connection.exec>[0], io: Parameters<typeof connection.exec>[1]) =>
      connection.exec(
        {
          ...command,
          line: `mkdir -p /few; for p in sh ls od tr id cat; do ln -sf /bin/busybox /few/$p; done; PATH=/few; ${command.line}`,
        },
        io,
      ),
  }
  const { outcome } = await runOn(actor, options, { ...host, connect: async () => blind })
  t.match(outcome, {
    kind: 'failed',
    error: { message: /cannot probe it: no sha256sum, openssl, shasum or busybox there to compare contents with/ },
  })
})

t.test('where one may not look, one does not guess', async t => {
  if (!isRoot) return t.plan(0, 'needs root')
  const [ssh] = await sshHosts(t)
  if (!ssh) return
  const folder = t.testdir({ closed: { f: 'x' } })
  const { chmodSync } = await import('node:fs')
  chmodSync(`${folder}/closed`, 0o700)
  const { outcome } = await runOn(actor, { path: `${folder}/closed/f`, state: 'absent' }, ssh)
  t.match(outcome, { kind: 'failed', error: { message: /cannot probe it: .*: no permission to enter it/ } })
})

t.test('a mode in words changes what is there, and once', async t => {
  const folder = t.testdir({ f: '', d: {} })
  const modeOf = (name: string) => (statSync(`${folder}/${name}`).mode & 0o7777).toString(8)
  const set = (name: string, mode: string, more = {}) =>
    act(actor, { path: `${folder}/${name}`, mode, ...more }, target('n1'))
  chmodSync(`${folder}/f`, 0o640)
  chmodSync(`${folder}/d`, 0o2700)
  t.match(await set('f', 'u+x,g-r'), { outcome: { changed: true }, stdout: /mode 0640 -> 0700/ })
  t.match(await set('f', 'u+x,g-r'), { outcome: { changed: false } })
  t.match(await set('d', 'go=rX', { state: 'directory' }), { stdout: /mode 2700 -> 2755/ })
  await set('new', '+x')
  await set('folder', 'o=', { state: 'directory' })
  t.strictSame(['f', 'd', 'new', 'folder'].map(modeOf), ['700', '2755', '755', '750'])
})

t.test('options which do not go together are refused by name', async t => {
  const refused: readonly [object, string, RegExp][] = [
    [{}, 'path', /is missing/],
    [{ path: 'etc/motd' }, 'path', /absolute path/],
    [{ path: '//' }, 'path', /root of everything/],
    [{ path: '/a\0b' }, 'path', /NUL/],
    [{ path: '/x', contents: '' }, 'contents', /did you mean "content"/],
    [{ path: '/x', content: 'a', source: 'b' }, 'source', /content says already/],
    [{ path: '/x', content: 'a', template: 'b' }, 'template', /content says already/],
    [{ path: '/x', content: 'a', state: 'absent' }, 'content', /only a file has it/],
    [{ path: '/x', state: 'symlink' }, 'target', /where does the link lead/],
    [{ path: '/x', state: 'directory', target: 'y' }, 'target', /only a link/],
    [{ path: '/x', target: 'y', mode: '644' }, 'mode', /a link has none/],
    [{ path: '/x', recursive: true }, 'recursive', /state=directory/],
    [{ path: '/x', state: 'directory', 'file-mode': '644' }, 'file-mode', /recursive=true/],
    [{ path: '/x', mode: '0888' }, 'mode', /octal/],
    [{ path: '/x', mode: 'u+q' }, 'mode', /octal/],
    [{ path: '/x', state: 'directory', recursive: 'true', mode: 'u+x' }, 'mode', /given as digits/],
    [{ path: '/x', owner: '-R' }, 'owner', /name of a user/],
    [{ path: '/x', owner: 'a:b' }, 'owner', /name of a user/],
    [{ path: '/x', backup: 'perhaps' }, 'backup', /true or false/],
    [{ path: '/x', state: 'gone' }, 'state', /present/],
  ]
  for (const [options, option, message] of refused)
    t.throws(() => file.parse(options), { code: 'ACTOR_OPTION', subject: option, message }, JSON.stringify(options))
})

t.test('a source or template which is wrong is told before the target is asked', async t => {
  const { path } = await place(t)
  const connect = async () => t.fail('connected') as never
  const run = (options: object) => act(actor, { path, ...options }, target('n1'), { connect })
  await t.rejects(run({ source: '/no/such/source' }), { code: 'CONFIG', message: /there is none/ })
  await t.rejects(run({ template: '{{node.nme}}' }), { code: 'CONFIG', message: /^template of .*f:1:\d+: .*nme/ })
})

t.test('a name with control characters does no harm to the lines of a report', async t => {
  const folder = t.testdir({})
  const { stdout } = await act(actor, { path: `${folder}/a\n\u001b[31mb`, content: '' }, target('n1'))
  t.equal(stdout.split('\n').length, 2)
  t.notOk(stdout.includes('\u001b'))
})
