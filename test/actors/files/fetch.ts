import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fetch } from '../../../actors/files/fetch.ts'
import { StokerError } from '../../../src/base/errors.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import { localConnection } from '../../../src/connection/local.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'
import { stoker } from '../../fixtures/program/cli.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const run = (options: Readonly<Record<string, string>>, name = 'n1', changes = {}) =>
  act(fetch as Actor, options, target(name), changes)

t.test('a file comes into the folder of its node, byte for byte, and not again when it is the same', async t => {
  const folder = t.testdir()
  const [source, dest] = [join(folder, 'a b'), join(folder, 'got')]
  for (const size of [0, 1, 63, 64, 65, 300_000]) {
    await writeFile(source, randomBytes(size))
    t.match(await run({ source, dest }), {
      outcome: { kind: 'ok', changed: true },
      stdout: new RegExp(`\\(${size} bytes\\)`),
    })
    t.strictSame(await readFile(join(dest, 'n1', source)), await readFile(source))
    t.match(await run({ source, dest }), { outcome: { kind: 'ok', changed: false }, stdout: /^$/ })
  }
  t.equal((await stat(join(dest, 'n1', source))).mode & 0o777, 0o600)
  await run({ source, dest, flat: 'yes' }, 'n2')
  t.strictSame(await readdir(join(dest, 'n2')), ['a b'])
})

t.test('a missing file is a failure, unless it may be missing', async t => {
  const folder = t.testdir()
  const options = { source: join(folder, 'none'), dest: join(folder, 'got') }
  await t.rejects(run(options), { code: 'ACTOR_FAILED', message: /there is no .*none; optional=true/ })
  t.match(await run({ ...options, optional: 'true' }), { outcome: { kind: 'ok', changed: false } })
  await t.rejects(run({ ...options, source: '/dev/null' }), { message: /it is no plain file/ })
  t.strictSame(await readdir(folder), [])
})

t.test('a folder which cannot be made is told, with why', async t => {
  const folder = t.testdir({ file: 'x', got: 'a file' })
  await t.rejects(run({ source: join(folder, 'file'), dest: join(folder, 'got') }), {
    code: 'ACTOR_FAILED',
    message: /cannot write .*got\/n1\/.* on this side: ENOTDIR/,
  })
})

t.test('neither a name nor a path leads out of the folder', async t => {
  const folder = t.testdir({ file: 'x', got: {} })
  const dest = join(folder, 'got')
  await run({ source: `${folder}/got/../file`, dest, flat: 'no' }, '..')
  await run({ source: `${folder}/got/../file`, dest, flat: 'yes' }, '.')
  t.strictSame(await readdir(folder), ['file', 'got'])
  t.strictSame((await readdir(dest)).sort(), ['_', '__'])
  t.equal(await readFile(join(dest, '__', folder, 'file'), 'utf8'), 'x')
})

const MB = 1_000_000
const LARGE = Buffer.alloc(5 * MB, 'not quite the same all over. ')

/** This machine, over a connection which breaks after so many bytes of output. */
const breaking =
  (after: number, counted: number[] = []) =>
  async () => {
    const connection = localConnection('n1')
    const exec: Connection['exec'] = async function* (command, io) {
      const running = connection.exec(command, io)
      let sent = 0
      try {
        for (;;) {
          const step = await running.next()
          if (step.done) return step.value
          const { data } = step.value
          yield { ...step.value, data: data.subarray(0, after - sent) }
          sent += data.length
          if (sent >= after) throw new StokerError('CONNECTION_LOST', 'n1', 'connection lost')
        }
      } finally {
        counted.push(sent)
        await running.return({ kind: 'code', code: 0 })
      }
    }
    return { ...connection, exec }
  }

const lost = { code: 'CONNECTION_LOST' }

t.test('what breaks off leaves the old file, and little things leave nothing else', async t => {
  const folder = t.testdir({ file: 'old' })
  const [source, dest] = [join(folder, 'file'), join(folder, 'got')]
  await run({ source, dest })
  await writeFile(source, LARGE)
  await t.rejects(run({ source, dest }, 'n1', { connect: breaking(500_000) }), lost)
  t.equal(await readFile(join(dest, 'n1', source), 'utf8'), 'old')
  t.strictSame(await readdir(join(dest, 'n1', folder)), ['file'])
})

t.test('a large file goes on where the connection broke, and says so before', async t => {
  const folder = t.testdir({ file: LARGE })
  const [source, dest] = [join(folder, 'file'), join(folder, 'got')]
  const place = join(dest, 'n1', folder)
  for (const after of [2 * MB, 1 * MB]) await t.rejects(run({ source, dest }, 'n1', { connect: breaking(after) }), lost)
  const [kept, ...others] = await readdir(place)
  t.strictSame(others, [])
  const { size, mode } = await stat(join(place, kept as string))
  t.ok(size > 2.9 * MB && size < 3 * MB, `${size}`)
  t.equal(mode & 0o777, 0o600)
  t.match(await run({ source, dest }, 'n1', { apply: false }), { stdout: `; ${size} bytes of it may have come before` })
  const counted: number[] = []
  const moved: (readonly number[])[] = []
  const changes = { connect: breaking(9 * MB, counted), moved: (...both: number[]) => void moved.push(both) }
  t.match(await run({ source, dest }, 'n1', changes), { stdout: /fetched .*\(5000000 bytes\)/ })
  t.ok((counted[0] as number) < 2.2 * MB, 'the rest alone was sent')
  t.strictSame(moved.at(-1), [5 * MB - size, 5 * MB - size])
  t.strictSame(await readFile(join(place, 'file')), LARGE)
  t.strictSame(await readdir(place), ['file'])
})

t.test('a beginning which is wrong is thrown away, and one of another content is not gone on with', async t => {
  const folder = t.testdir({ file: LARGE })
  const [source, dest] = [join(folder, 'file'), join(folder, 'got')]
  const place = join(dest, 'n1', folder)
  const breakOff = async () => {
    await t.rejects(run({ source, dest }, 'n1', { connect: breaking(2 * MB) }), lost)
    return join(place, (await readdir(place)).find(name => name.startsWith('.')) as string)
  }
  await writeFile(await breakOff(), Buffer.alloc(2 * MB))
  t.match(await run({ source, dest }), { outcome: { changed: true } })
  t.strictSame(await readFile(join(place, 'file')), LARGE)
  await writeFile(join(place, 'file'), 'old')
  await breakOff()
  await writeFile(source, LARGE.toReversed())
  t.match(await run({ source, dest }), { outcome: { changed: true } })
  t.strictSame(await readFile(join(place, 'file')), Buffer.from(LARGE.toReversed()))
  t.strictSame(await readdir(place), ['file'])
})

t.test('whoever stops it gets nothing, and the old file stays', async t => {
  const folder = t.testdir({ file: LARGE })
  const [source, dest] = [join(folder, 'file'), join(folder, 'got')]
  const stop = new AbortController()
  const enough = new StokerError('CANCELLED', 'n1', 'stopped')
  const moved = (bytes: number) => {
    if (bytes > 2 * MB) stop.abort(enough)
  }
  await t.rejects(run({ source, dest }, 'n1', { signal: stop.signal, moved }), enough)
  t.strictSame(await readdir(join(dest, 'n1', folder)), [])
})

t.test('a file of the kernel, which says that it is empty, comes as it is read', async t => {
  const dest = t.testdir()
  await run({ source: '/proc/version', dest, flat: 'yes' })
  t.strictSame(await readFile(join(dest, 'n1/version')), await readFile('/proc/version'))
})

t.test('of a log which grows comes what was there at the beginning', async t => {
  const folder = t.testdir({ log: 'one\n', bin: {} })
  const [log, dest] = [join(folder, 'log'), join(folder, 'got')]
  // Somebody writes while the checksum is taken.
  await writeFile(
    join(folder, 'bin/sha256sum'),
    `#!/bin/sh\necho two >>'${log}'; PATH=\${PATH#*:}; exec sha256sum "$@"\n`,
    {
      mode: 0o755,
    },
  )
  const environment = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` }
  await run({ source: log, dest, flat: 'yes' }, 'n1', { connect: async () => localConnection('n1', { environment }) })
  t.equal(await readFile(join(dest, 'n1/log'), 'utf8'), 'one\n')
  t.equal(await readFile(log, 'utf8'), 'one\ntwo\n')
})

t.test(
  'holes of a sparse file are not sent, and are holes here; also when the connection broke within one',
  async t => {
    const folder = t.testdir({ got: {} })
    const [source, dest] = [join(folder, 'sparse'), join(folder, 'got')]
    {
      await using file = await open(source, 'w')
      await file.truncate(60 * MB)
      await file.write(randomBytes(70_000), 0, 70_000, 3 * MB)
      await file.write(Buffer.from('near the end'), 0, 12, 59 * MB)
    }
    const { blocks } = await stat(source)
    const counted: number[] = []
    const place = join(dest, 'n1/sparse')
    const options = { source, dest, flat: 'yes' }
    await t.rejects(run(options, 'n1', { connect: breaking(90_000) }), lost)
    t.match(await run(options, 'n1', { connect: breaking(10 * MB, counted) }), { stdout: /\(60000000 bytes\)/ })
    t.ok((counted[0] as number) < 300_000, `${counted[0]} bytes sent`)
    t.ok((await readFile(place)).equals(await readFile(source)))
    t.ok((await stat(place)).blocks <= blocks + 4096, `${(await stat(place)).blocks} of ${blocks} blocks`)
    t.strictSame(await readdir(join(dest, 'n1')), ['sparse'])
  },
)

t.test(
  'a folder comes with all files in it, and a pattern with all that it matches; nothing is sent twice',
  async t => {
    const folder = t.testdir({
      log: { 'a.log': 'a', 'b b.log': 'b', other: '', sub: { "it's $x": 'x', empty: '' } },
      '[x]': 'x',
    })
    const dest = join(folder, 'got')
    await symlink('/etc/passwd', join(folder, 'log/link'))
    const all = async () =>
      (await readdir(dest, { recursive: true, withFileTypes: true }))
        .flatMap(one => (one.isFile() ? [join(one.parentPath, one.name).slice(dest.length)] : []))
        .sort()
    for (const changed of [true, false])
      t.match(await run({ source: join(folder, 'log'), dest, flat: 'yes' }), { outcome: { kind: 'ok', changed } })
    t.strictSame(
      await all(),
      ['a.log', 'b b.log', 'other', 'sub/empty', "sub/it's $x"].map(name => `/n1/log/${name}`),
    )
    t.equal(await readFile(join(dest, "n1/log/sub/it's $x"), 'utf8'), 'x')
    t.match(await run({ source: `${folder}/log/*.log`, dest }, 'n2'), { outcome: { changed: true } })
    t.match(await run({ source: `${folder}/l[!a]g/s?b`, dest, flat: 'yes' }, 'n3'), { outcome: { changed: true } })
    // A file of that very name comes before a pattern.
    t.match(await run({ source: `${folder}/[x]`, dest, flat: 'yes' }, 'n4'), { outcome: { changed: true } })
    t.strictSame((await all()).slice(5), [
      ...['a.log', 'b b.log'].map(name => `/n2${folder}/log/${name}`),
      ...['empty', "it's $x"].map(name => `/n3/sub/${name}`),
      '/n4/[x]',
    ])
    await t.rejects(run({ source: `${folder}/no*; $(touch ${folder}/bad) \`x\``, dest }), { message: /there is no/ })
    t.match(await run({ source: `${folder}/no*`, dest, optional: 'yes' }), { outcome: { kind: 'ok', changed: false } })
    t.notOk((await readdir(folder)).includes('bad'))
    await writeFile(join(folder, 'log/sub/a.log'), '')
    await t.rejects(run({ source: `${folder}/{log,log/sub}/*.log`, dest, flat: 'yes' }, 'n5'), {
      message: /there is no/,
    })
    await t.rejects(run({ source: `${folder}/*/a.log`, dest: join(folder, 'log/a.log') }, 'n6'), {
      message: /on this side/,
    })
  },
)

t.test('of targets over SSH comes a folder and a pattern, each into its own folder', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2, groups: { all: 'node[1-2]' } })
  const dest = t.testdir()
  const home = (n: number) => join(fleet.folder, `targets/127.20.0.${n}/home`)
  for (const n of [1, 2]) await writeFile(join(home(n), 'x.log'), `${n}`)
  const fetchAt = (source: string) =>
    stoker(['run', 'fetch', '@all', '--', `source=${source}`, `dest=${dest}`, 'flat=yes'], fleet)
  t.match(await fetchAt('/proc/self/cwd/*.log'), { code: 0, stderr: /2 targets: 2 ok/ })
  for (const n of [1, 2]) t.equal(await readFile(join(dest, `node${n}/x.log`), 'utf8'), `${n}`)
  t.match(await fetchAt(`${fleet.folder}/targets/127.20.0.1`), { code: 0, stdout: /home\/x\.log \(1 bytes\)/ })
})
