import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { copy } from '../../../actors/files/copy.ts'
import { localConnection } from '../../../src/connection/local.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'
import { stoker } from '../../fixtures/program/cli.ts'
import { need, needRoot } from '../../fixtures/servers/debian.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const actor = copy as Actor
const run = (options: Readonly<Record<string, string>>, changes = {}) => act(actor, options, target('n1'), changes)

const names = async (folder: string) => (await readdir(folder, { recursive: true })).sort()

t.test('a file is sent once, with the mode of its source, and put right when it differs', async t => {
  const folder = t.testdir({ source: 'text' })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  await chmod(source, 0o750)
  t.match(await run({ source, dest }), { outcome: { kind: 'ok', changed: true }, stdout: /create \(4 bytes\)/ })
  t.equal((await stat(dest)).mode & 0o777, 0o750)
  t.match(await run({ source, dest }), { outcome: { kind: 'ok', changed: false }, stdout: /^$/ })
  await writeFile(dest, 'other')
  t.match(await run({ source, dest }, { apply: false }), { outcome: { changed: true }, stdout: /would change/ })
  t.equal(await readFile(dest, 'utf8'), 'other')
  t.match(await run({ source, dest: `${folder}/into/` }).catch(error => error), { outcome: { kind: 'failed' } })
  await mkdir(join(folder, 'into'))
  t.match(await run({ source, dest: `${folder}/into/` }), { outcome: { kind: 'ok' } })
  t.strictSame(await readdir(join(folder, 'into')), ['source'], 'a slash at the end names the folder it shall be in')
})

t.test('a folder arrives as it is: names, bytes, modes and links; and nothing is sent twice', async t => {
  const folder = t.testdir({
    source: { a: 'a', sub: { 'b b': 'b\0', deep: { big: 'x'.repeat(300_000) } }, empty: {}, '.hidden': '', '-x': 'x' },
  })
  const [source, dest] = [join(folder, 'source'), join(folder, 'far/dest')]
  await symlink('../a', join(source, 'sub/link'))
  await writeFile(Buffer.from(`${source}/\xff\n$(x)`, 'latin1'), 'odd')
  await chmod(join(source, 'a'), 0o700)
  t.match(await run({ source, dest }, { apply: false }), {
    stdout: /would make .*dest\/sub\n(.*\n)*would send .*dest\/sub\/b b/,
  })
  await t.rejects(stat(dest))
  t.match(await run({ source, dest }), {
    outcome: { kind: 'ok', changed: true },
    stdout: /7 files sent \(300007 bytes\), 4 folders made/,
  })
  t.strictSame(await names(dest), await names(source))
  t.equal(await readFile(join(dest, 'sub/b b'), 'utf8'), 'b\0')
  t.equal(await readFile(Buffer.from(`${dest}/\xff\n$(x)`, 'latin1'), 'utf8'), 'odd')
  t.equal(await readlink(join(dest, 'sub/link')), '../a')
  t.equal((await stat(join(dest, 'a'))).mode & 0o777, 0o700)
  t.match(await run({ source, dest }), { outcome: { kind: 'ok', changed: false }, stdout: /^$/ })
  await writeFile(join(dest, 'sub/deep/big'), 'smaller')
  await chmod(join(dest, 'a'), 0o644)
  t.match(await run({ source, dest }), { stdout: /1 file sent \(300000 bytes\), 1 owner or mode set/ })
  t.match(await run({ source, dest, mode: '0640' }), { outcome: { changed: true } })
  t.equal((await stat(join(dest, '-x'))).mode & 0o777, 0o640)
  t.match(await run({ source, dest, mode: '0640' }), { outcome: { changed: false } })
})

t.test('the bits of set-user-id, set-group-id and sticky are kept, also where somebody else gets the file', async t => {
  const folder = t.testdir({ source: 'x', tree: { a: 'a', sub: { b: 'b', c: 'c' } } })
  const modeOf = async (name: string) => ((await stat(join(folder, name))).mode & 0o7777).toString(8)
  const owners = process.getuid?.() === 0 ? [{}, { owner: 'nobody' }] : [{}]
  await chmod(join(folder, 'source'), 0o4755)
  await chmod(join(folder, 'tree/a'), 0o6711)
  await chmod(join(folder, 'tree/sub/b'), 0o2750)
  await chmod(join(folder, 'tree/sub'), 0o1777)
  for (const owner of owners) {
    const [dest, far] = [join(folder, 'dest'), join(folder, 'far')]
    await rm(dest, { force: true })
    await rm(far, { recursive: true, force: true })
    for (const changed of [true, false]) {
      t.match(await run({ source: join(folder, 'source'), dest, ...owner }), { outcome: { changed } })
      t.match(await run({ source: join(folder, 'tree'), dest: far, ...owner }), { outcome: { changed } })
      t.strictSame(await Promise.all(['dest', 'far/a', 'far/sub', 'far/sub/b', 'far/sub/c'].map(modeOf)), [
        '4755',
        '6711',
        '1777',
        '2750',
        await modeOf('tree/sub/c'),
      ])
    }
    await chmod(join(far, 'a'), 0o711)
    await chmod(join(far, 'sub/c'), 0o4644)
    t.match(await run({ source: join(folder, 'tree'), dest: far, ...owner }), { stdout: /2 owners or modes set/ })
    t.equal(await modeOf('far/a'), '6711')
    t.equal(await modeOf('far/sub/c'), await modeOf('tree/sub/c'))
    await rm(join(far, 'a'))
    t.match(await run({ source: join(folder, 'tree'), dest: far, ...owner, mode: '4755' }), {
      outcome: { changed: true },
    })
    t.equal(await modeOf('far/a'), '4755')
  }
  if (owners.length === 1) return
  await run({ source: join(folder, 'tree'), dest: join(folder, 'far'), owner: 'daemon' })
  t.equal(await modeOf('far/a'), '6711', 'the bit outlives a new owner')
})

/** Data at the beginning, in the middle and near the end of many bytes of nothing. */
const writeSparse = async (path: string, size: number) => {
  await using file = await open(path, 'w')
  await file.truncate(size)
  for (const [at, data] of [
    [0, 'start'],
    [5_000_000, 'x'.repeat(150_000)],
    [size - 10_000, 'near the end'],
  ] as const)
    await file.write(data, at)
}

t.test('holes are neither sent nor filled: of a file, of files in a folder, and of one which is all hole', async t => {
  const folder = t.testdir({ tree: { sub: {} } })
  const [source, dest] = [join(folder, 'sparse'), join(folder, 'dest')]
  const size = 301_000_123
  await writeSparse(source, size)
  await writeSparse(join(folder, 'tree/sub/one\n$x'), 40_000_000)
  await writeFile(join(folder, 'tree/void'), '')
  await truncate(join(folder, 'tree/void'), 3_000_000)
  await writeFile(join(folder, 'tree/plain'), 'plain')
  await chmod(join(folder, 'tree/void'), 0o640)
  const before = (await stat(source)).blocks
  const sent: number[] = []
  const moved = (bytes: number, of: number) => void sent.push(bytes, of)
  t.match(await run({ source, dest }, { moved }), { outcome: { changed: true } })
  t.ok(Math.max(...sent) < 400_000, `${Math.max(...sent)} bytes`)
  t.match(await run({ source, dest }), { outcome: { changed: false } }, 'the same bytes')
  const after = (await stat(dest)).blocks
  t.ok(after <= before + 1024, `${after} blocks instead of ${before}`)
  const far = join(folder, 'far')
  t.match(await run({ source: join(folder, 'tree'), dest: far }), {
    stdout: /3 files sent \((?:[1-4]\d\d)?\d{3} bytes\)/,
  })
  t.match(await run({ source: join(folder, 'tree'), dest: far }), { outcome: { changed: false }, stdout: /^$/ })
  t.ok((await stat(join(far, 'sub/one\n$x'))).blocks < 2048)
  t.equal((await stat(join(far, 'void'))).blocks, 0)
  t.equal((await stat(join(far, 'void'))).mode & 0o777, 0o640)
  t.strictSame(await readdir(far), ['plain', 'sub', 'void'])
})

t.test('where a folder stands, the slash is named which copies into it', async t => {
  const folder = t.testdir({ source: 'x', into: { precious: '' } })
  const failed = await run({ source: join(folder, 'source'), dest: join(folder, 'into') })
  t.match(failed, { outcome: { kind: 'failed', error: { message: `to copy into it, say dest=${folder}/into/` } } })
  t.strictSame(await readdir(join(folder, 'into')), ['precious'])
})

t.test('a mode in words changes that of the source, of files and of folders', async t => {
  const folder = t.testdir({ tree: { a: '', sub: { b: '' } } })
  await chmod(join(folder, 'tree/a'), 0o755)
  await chmod(join(folder, 'tree/sub'), 0o755)
  await chmod(join(folder, 'tree/sub/b'), 0o640)
  const [source, dest] = [join(folder, 'tree'), join(folder, 'far')]
  const modeOf = async (name: string) => ((await stat(join(dest, name))).mode & 0o7777).toString(8)
  for (const changed of [true, false])
    t.match(await run({ source, dest, mode: 'go-w,g=u,o=' }), { outcome: { changed } })
  t.strictSame(await Promise.all(['a', 'sub', 'sub/b'].map(modeOf)), ['770', '770', '660'])
  await run({ source: join(source, 'a'), dest: join(dest, 'c'), mode: 'a-x,u+s' })
  t.equal(await modeOf('c'), '4644')
  t.throws(() => copy.parse({ source, dest, mode: 'u+q' }), {
    message: /"mode": expected permission bits: .* u\+x,go-w/,
  })
})

t.test('names of other tools are told by ours', t => {
  for (const [options, hint] of [
    [{ src: 'x', dest: '/y' }, '"src": unknown key; did you mean "source"?'],
    [{ source: 'x', path: '/y' }, '"path": unknown key; did you mean "dest"?'],
  ] as const)
    t.throws(() => copy.parse(options), { message: hint })
  t.end()
})

t.test('FILE... DEST, as cp takes it', t => {
  const words = (...all: readonly string[]) => copy.words?.(all)
  t.strictSame(words('a', '/b', 'mode=u+x'), { mode: 'u+x', source: ['a'], dest: '/b' })
  t.strictSame(words('a', './c=d', 'b/'), { source: ['a', './c=d'], dest: 'b/' })
  t.strictSame(words('source=a', 'dest=/b'), { source: 'a', dest: '/b' })
  for (const [given, message] of [
    [['a'], /where "a" shall go is missing/],
    [['a', '/b', 'dest=/c'], /it has dest= as well/],
    [['-p', 'a', '/b'], /no "-p": times=true keeps times; modes are kept anyway/],
    [['-r', 'a', '/b'], /no "-r": folders are copied with all that is in them/],
    [['-z', 'a', '/b'], /no "-z"; options are KEY=VALUE/],
  ] as const)
    t.throws(() => words(...given), { code: 'ACTOR_OPTION', message })
  t.throws(() => copy.parse({ source: ['x/a', 'y/a'], dest: '/z/' }), { message: /two of them are called "a"/ })
  t.end()
})

t.test('several sources go into a folder which is there, or which a slash names', async t => {
  const folder = t.testdir({ a: 'a', tree: { b: 'b' }, into: {}, file: '' })
  const source = ['a', 'tree'].map(name => join(folder, name))
  const into = (dest: string, more = {}) => act(actor, { source, dest: join(folder, dest), ...more }, target('n1'))
  t.match(await into('into'), { outcome: { kind: 'ok', changed: true } })
  t.strictSame(await names(join(folder, 'into')), ['a', 'tree', 'tree/b'])
  t.match(await into('into/'), { outcome: { kind: 'ok', changed: false } })
  for (const dest of ['no', 'file']) await t.rejects(into(dest), { message: /there is no folder .*, and several/ })
  t.strictSame(await readFile(join(folder, 'file'), 'utf8'), '')
})

t.test('a destination without a slash at its beginning is in the home', async t => {
  const folder = t.testdir({ source: 'x', home: { sub: {} } })
  const environment = { HOME: join(folder, 'home') }
  const into = (dest: string) =>
    run({ source: join(folder, 'source'), dest }, { connect: async () => localConnection('n1', { environment }) })
  for (const dest of ['one', '~/two', './three', 'sub/', '~/sub/four', '~/', '.'])
    t.match(await into(dest), { outcome: { kind: 'ok' } }, dest)
  t.strictSame(await names(join(folder, 'home')), ['one', 'source', 'sub', 'sub/four', 'sub/source', 'three', 'two'])
})

t.test('times are those of the source where they are wanted, also of sparse files and of what is there', async t => {
  const folder = t.testdir({ tree: { a: 'a', sub: { b: 'b' } } })
  const tree = join(folder, 'tree')
  await writeSparse(join(tree, 'sparse'), 20_000_000)
  const all = ['a', 'sub/b', 'sparse']
  for (const [i, name] of all.entries()) await utimes(join(tree, name), 1, 1_000_000_000 + i)
  const timesOf = (far: string) =>
    Promise.all(all.map(async name => Math.floor((await stat(join(folder, far, name))).mtimeMs / 1000)))
  const dest = join(folder, 'far')
  await run({ source: tree, dest })
  t.ok((await timesOf('far')).every(time => time > 1_000_000_010))
  t.match(await run({ source: tree, dest, times: 'yes' }, { apply: false }), {
    stdout: /would set the time of .*far\/a\n/,
  })
  t.match(await run({ source: tree, dest, times: 'yes' }), { stdout: /: 3 times set/ })
  await run({ source: tree, dest: join(folder, 'new'), times: 'yes' })
  for (const far of ['far', 'new']) {
    t.strictSame(await timesOf(far), [1_000_000_000, 1_000_000_001, 1_000_000_002], far)
    t.match(await run({ source: tree, dest: join(folder, far), times: 'yes' }), { outcome: { changed: false } })
  }
  const one = { source: join(tree, 'a'), dest: join(folder, 'one'), times: 'yes' }
  for (const changed of [true, false]) t.match(await run(one), { outcome: { changed } })
  t.equal((await stat(one.dest)).mtimeMs, 1_000_000_000_000)
})

t.test('an owner whom the target does not know is told before anything is sent, and leaves nothing', async t => {
  if (!needRoot(t)) return
  const folder = t.testdir({ source: 'x'.repeat(300_000), tree: { a: 'x'.repeat(300_000) } })
  for (const name of ['source', 'tree']) {
    const sent: number[] = []
    const options = { source: join(folder, name), dest: join(folder, 'dest'), owner: 'no-such-user' }
    const failed = await run(options, { moved: (bytes: number) => void sent.push(bytes) }).catch(error => error)
    t.match(failed, { message: /no-such-user/ })
    t.strictSame((await readdir(folder)).sort(), ['source', 'tree'], name)
    if (name === 'source') t.strictSame(sent, [])
  }
  t.match(await run({ source: join(folder, 'tree'), dest: join(folder, 'dest'), owner: 'nobody' }), {
    outcome: { kind: 'ok' },
  })
  t.equal((await stat(join(folder, 'dest/a'))).uid, 65_534)
})

t.test('what is not in the source goes with delete, and stays without', async t => {
  const folder = t.testdir({ source: { a: 'a' }, dest: { a: 'a', extra: '', old: { x: { y: '' } } } })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  t.match(await run({ source, dest }), { outcome: { changed: false } })
  t.match(await run({ source, dest, delete: 'yes' }, { apply: false }), {
    stdout: /would remove .*extra\n.*would remove .*old\n$/s,
  })
  t.match(await run({ source, dest, delete: 'yes' }), { stdout: /2 things removed/ })
  t.strictSame(await names(dest), ['a'])
})

t.test('a folder which is there stays as it is, and something else in the way is left alone', async t => {
  const folder = t.testdir({ source: { sub: { a: 'a' } }, dest: { sub: {} }, elsewhere: {} })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  await chmod(join(dest, 'sub'), 0o700)
  t.match(await run({ source, dest }), { outcome: { changed: true } })
  t.equal((await stat(join(dest, 'sub'))).mode & 0o777, 0o700)
  await rm(join(dest, 'sub'), { recursive: true })
  await symlink(join(folder, 'elsewhere'), join(dest, 'sub'))
  await t.rejects(run({ source, dest }), {
    code: 'ACTOR_FAILED',
    message: './sub is a link there, and a folder here; nothing was changed: name another dest, or move it aside',
  })
  t.strictSame(await readdir(join(folder, 'elsewhere')), [])
})

t.test('a source which is changed while it is sent is told, and leaves the old files', async t => {
  const folder = t.testdir({ source: { a: 'first' }, dest: { a: 'old' } })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  const options = copy.parse({ source, dest })
  await options.local(source)
  await writeFile(join(source, 'a'), 'other')
  const known: Actor = { ...actor, parse: () => options }
  await t.rejects(act(known, {}, target('n1')), {
    code: 'CONFIG',
    message: /\.\/a: it was changed while it was in use/,
  })
  t.equal(await readFile(join(dest, 'a'), 'utf8'), 'old')
  t.strictSame(await readdir(dest), ['a'])
})

t.test('wrong options are told', async t => {
  const folder = t.testdir({ source: 'x' })
  t.throws(() => copy.parse({ source: 'x', dest: '~bob/y' }), {
    code: 'ACTOR_OPTION',
    message: /option "dest": expected a path; ~ stands for the home of the user/,
  })
  t.throws(() => copy.parse({ source: 'x' }), { message: /dest/ })
  await t.rejects(run({ source: join(folder, 'no'), dest: '/x' }), { code: 'CONFIG', message: /there is none/ })
  await t.rejects(run({ source: join(folder, 'source'), dest: '/x', delete: 'yes' }), {
    message: /the source is no folder/,
  })
})

t.test('a full disk fails its target alone, which keeps its old files and nothing else', async t => {
  if (!needFleet(t) || !needRoot(t)) return
  const source = t.testdir({ small: {}, big: { a: 'x'.repeat(3_000_000) } })
  const small = join(source, 'small')
  await using fleet = await startFleet({
    count: 3,
    groups: { all: 'node[1-3]' },
    through: async name => {
      // The other two have room there, each by itself.
      const size = name === 'node2' ? '512k' : '64m'
      const set = `mount -t tmpfs -o size=${size},mode=777 small "$1" && mkdir -m 777 "$1/tree" && echo old >"$1/file" && echo old >"$1/tree/a" && chmod 666 "$1/file" "$1/tree/a" && shift && exec "$@"`
      return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', set, 'sh', small]
    },
  })
  const look = `cd ${small}; echo $(find . | sort; wc -c <file; wc -c <tree/a)`
  for (const [from, to] of [
    [join(source, 'big/a'), join(small, 'file')],
    [join(source, 'big'), join(small, 'tree')],
  ] as const)
    t.match(await stoker(['run', 'copy', '@all', '--', `source=${from}`, `dest=${to}`], fleet), {
      code: 1,
      stderr: /2 ok, 1 failed(.*\n)+failed: node2: .*No space left/,
    })
  const { stdout } = await stoker(['run', 'shell', '@all', '--', look], fleet)
  t.match(stdout, /node2: \. \.\/file \.\/tree \.\/tree\/a 4 4\n/)
  t.match(stdout, /node1: \. \.\/file \.\/tree \.\/tree\/a 3000000 3000000\n/)
})

t.test('on a target over SSH: words, the home, modes, times and holes at once', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1 })
  const folder = t.testdir({ tool: '#!/bin/sh\n' })
  const [tool, image] = [join(folder, 'tool'), join(folder, 'image')]
  await writeSparse(image, 50_000_000)
  await utimes(tool, 1, 1_000_000_000)
  const words = ['run', 'copy', 'node1', '--', tool, image, '~/', 'mode=a=r,u+x', 'times=true']
  t.match(await stoker(words, fleet), { code: 0 })
  t.match(await stoker(words, fleet), { code: 0, stderr: /1 target: 1 ok/ })
  const home = join(fleet.folder, 'targets/127.20.0.1/home')
  t.match(await stat(join(home, 'tool')), { mode: 0o100544, mtimeMs: 1_000_000_000_000 })
  t.ok((await stat(join(home, 'image'))).blocks < 2048)
  t.match(await stoker(['run', 'copy', 'node1', '--', tool, home.replace(/\/$/, '')], fleet), {
    code: 1,
    stderr: `to copy into it, say dest=${home}/`,
  })
  t.match(await stoker(['run', 'copy', 'node1', '--', tool], fleet), { code: 2, stderr: /takes FILE\.\.\. DEST/ })
})

t.test('sixteen targets at once take little memory, and one whose disk is full fails alone', async t => {
  if (!needFleet(t) || !needRoot(t) || !need(t, 'time', 'time')) return
  await using fleet = await startFleet({
    count: 16,
    groups: { all: 'node[01-16]', others: 'node[01-15]' },
    through: async (name, folder) => {
      if (name !== 'node16') return []
      const home = join(folder, 'targets/127.20.0.16/home')
      const set =
        'mount -t tmpfs -o size=4m,mode=777 small "$1" && echo old >"$1/large" && chmod 666 "$1/large" && shift && exec "$@"'
      return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', set, 'sh', home]
    },
  })
  const source = join(fleet.folder, 'large')
  const large = randomBytes(40_000_000)
  await writeFile(source, large)
  // Each target's commands start in its own home.
  const words = ['run', 'copy', '@all', '--', `source=${source}`, 'dest=/proc/self/cwd/large']
  const { code, stderr } = await stoker(words, { ...fleet, through: ['time', '-f', 'peak %M KB'] })
  t.equal(code, 1)
  t.match(stderr, /15 ok, 1 failed(.*\n)+failed: node16: .*No space left on device/)
  const peak = Number(/peak (\d+) KB/.exec(stderr)?.[1])
  t.ok(peak < 146_000, `${peak} KB`)
  const { stdout } = await stoker(['run', 'shell', '-b', '@all', '--', 'sha256sum large; ls -A'], fleet)
  const sum = (bytes: string | Buffer) => `${createHash('sha256').update(bytes).digest('hex')}  large\nlarge\n`
  t.ok(stdout.includes(`node[01-15] (15)\n---------------\n${sum(large)}`), stdout)
  t.ok(stdout.includes(`node16\n---------------\n${sum('old\n')}`), stdout)
})
