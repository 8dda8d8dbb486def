import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fetch } from '../../actors/fetch.ts'
import type { Actor } from '../../src/actor.ts'
import { StokerError } from '../../src/errors.ts'
import { act, target } from '../fixtures/act.ts'

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
    t.same(await readFile(join(dest, 'n1', source)), await readFile(source))
    t.match(await run({ source, dest }), { outcome: { kind: 'ok', changed: false }, stdout: '' })
  }
  t.equal((await stat(join(dest, 'n1', source))).mode & 0o777, 0o600)
  await run({ source, dest, flat: 'yes' }, 'n2')
  t.same(await readdir(join(dest, 'n2')), ['a b'])
})

t.test('a missing file is a failure, unless it may be missing', async t => {
  const folder = t.testdir()
  const options = { source: join(folder, 'none'), dest: join(folder, 'got') }
  await t.rejects(run(options), { code: 'ACTOR_FAILED', message: /there is no .*none; optional=true/ })
  t.match(await run({ ...options, optional: 'true' }), { outcome: { kind: 'ok', changed: false } })
  await t.rejects(run({ ...options, source: folder }), { message: /it is no plain file/ })
  t.same(await readdir(folder), [])
})

t.test('neither a name nor a path leads out of the folder', async t => {
  const folder = t.testdir({ file: 'x', got: {} })
  const dest = join(folder, 'got')
  await run({ source: `${folder}/got/../file`, dest, flat: 'no' }, '..')
  await run({ source: `${folder}/got/../file`, dest, flat: 'yes' }, '.')
  t.same(await readdir(folder), ['file', 'got'])
  t.same((await readdir(dest)).sort(), ['_', '__'])
  t.equal(await readFile(join(dest, '__', folder, 'file'), 'utf8'), 'x')
})

t.test('what breaks off leaves the old file, and nothing else', async t => {
  const folder = t.testdir({ file: 'x'.repeat(300_000) })
  const [source, dest] = [join(folder, 'file'), join(folder, 'got')]
  const lost = new StokerError('CONNECTION_LOST', 'n1', 'connection lost')
  const connect = async () => ({
    timing: {},
    async *exec() {
      yield { stream: 'stdout', data: Buffer.alloc(100_000) } as const
      throw lost
    },
    read: async () => undefined,
    async write() {},
    async [Symbol.asyncDispose]() {},
  })
  await run({ source, dest })
  await writeFile(source, 'changed')
  await t.rejects(run({ source, dest }, 'n1', { connect }), lost)
  t.equal((await readFile(join(dest, 'n1', source))).length, 300_000)
  t.same(await readdir(join(dest, 'n1', folder)), ['file'])
})
