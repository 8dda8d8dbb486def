import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Folder } from '../../../../src/pulley/agent/state/folder.ts'
import { Spool } from '../../../../src/pulley/agent/state/spool.ts'
import { type Report, reports } from '../../../../src/pulley/protocol/messages.ts'
import { newId } from '../../../../src/pulley/protocol/names.ts'

const io = { signal: new AbortController().signal }

const spool = async () => {
  const path = await mkdtemp(join(tmpdir(), 'stoker-spool-'))
  const folder = new Folder(path)
  const posted: Report[][] = []
  const sizes: number[] = []
  const link = {
    async post(_path: string, body: unknown) {
      sizes.push(JSON.stringify(body).length)
      posted.push(reports.parse(body))
      return { kind: 'taken' } as const
    },
  }
  const gone = { [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
  return { folder, posted, sizes, link, ...gone }
}

const report = (at: number, changed: number, results: Report['results'] = []): Report => ({
  ...{ id: newId('r'), at, took: 1, serial: 1, results, trouble: [] },
  counts: { ok: 1, changed, drift: 0, failed: 0, skipped: 0 },
})

t.test('reports which tell nothing new are not kept, but for one a day', async t => {
  await using site = await spool()
  const own = new Spool(site.folder)
  for (const at of [1, 2, 3, 86_400_001]) await own.add(report(at, 0))
  await own.deliver(site.link, io)
  t.strictSame(
    site.posted.flat().map(one => one.at),
    [1, 86_400_001],
  )
})

t.test('what was not delivered is delivered after a restart, the oldest first, and once', async t => {
  await using site = await spool()
  for (const at of [30, 4, 500]) await new Spool(site.folder).add(report(at, 1))
  const broken = { post: async () => Promise.reject(new Error('no server')) }
  await t.rejects(new Spool(site.folder).deliver(broken, io), /no server/)
  await new Spool(site.folder).deliver(site.link, io)
  await new Spool(site.folder).deliver(site.link, io)
  t.strictSame(
    site.posted.flat().map(one => one.at),
    [4, 30, 500],
  )
})

t.test('reports of a long time go in requests of a size which the server takes', async t => {
  await using site = await spool()
  const long = Array.from({ length: 300 }, (_, i) => ({
    ...{ resource: `file /${i}`, state: 'changed' as const, what: ['x'.repeat(500)] },
  }))
  const own = new Spool(site.folder)
  for (let at = 1; at <= 10; at++) await own.add(report(at, 300, long))
  await own.deliver(site.link, io)
  t.equal(site.posted.flat().length, 10)
  t.ok(site.posted.length > 1)
  for (const size of site.sizes) t.ok(size < 1024 * 1024, `${size} bytes`)
})

t.test('a report which alone is too long keeps its counts, and as many results as fit', async t => {
  await using site = await spool()
  const huge = Array.from({ length: 2000 }, (_, i) => ({
    ...{ resource: `file /${i}`, state: 'failed' as const, what: Array<string>(50).fill('y'.repeat(500)) },
  }))
  const own = new Spool(site.folder)
  await own.add(report(1, 2000, huge))
  await own.deliver(site.link, io)
  t.match(site.posted, [[{ counts: { changed: 2000 } }]])
  t.ok((site.posted[0]?.[0]?.results.length ?? 0) > 10)
  for (const size of site.sizes) t.ok(size < 1024 * 1024, `${size} bytes`)
})
