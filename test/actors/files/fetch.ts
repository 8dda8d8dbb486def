import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fetch } from '../../../actors/files/fetch.ts'
import { StokerError } from '../../../src/base/errors.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import { localConnection } from '../../../src/connection/local.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'

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
  await t.rejects(run({ ...options, source: folder }), { message: /it is no plain file/ })
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
