import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import { besidePath, isBeside } from '../../src/base/atomic-file.ts'
import { prune } from '../../src/journal/prune.ts'
import { runIds } from '../../src/journal/reader.ts'

const NOW = 2_000_000_000_000
const ids = [1, 2, 3, 4].map(day => `2026110${day}-000000-aaaa`)

/** Runs of a hundred bytes each; the newest is an hour old, each before it a day older. */
const withRuns = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-runs-'))
  for (const [i, id] of ids.entries()) {
    await writeFile(join(folder, `${id}.jsonl`), 'x'.repeat(100))
    const age = 3600 + (ids.length - 1 - i) * 86_400
    await utimes(join(folder, `${id}.jsonl`), NOW / 1000 - age, NOW / 1000 - age)
  }
  await writeFile(join(folder, 'notes.txt'), 'mine')
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

const rows = [
  ['all are kept while there are few', { age: 10 * 86_400_000, runs: 10, size: 1000 }, 4],
  ['the oldest go when there are too many', { age: 10 * 86_400_000, runs: 2, size: 1000 }, 2],
  ['the oldest go when they are too large together', { age: 10 * 86_400_000, runs: 10, size: 350 }, 3],
  ['the old ones go', { age: 2 * 86_400_000, runs: 10, size: 1000 }, 2],
  ['the newest stays in any case', { age: 0, runs: 0, size: 0 }, 1],
] as const
for (const [what, keep, left] of rows)
  t.test(what, async t => {
    await using runs = await withRuns()
    await prune(runs.folder, NOW, keep)
    t.strictSame(await runIds(runs.folder), [...ids].reverse().slice(0, left))
  })

t.test('what never became a journal goes', async t => {
  await using runs = await withRuns()
  const own = besidePath(join(runs.folder, '20261105-000000-aaaa.jsonl'))
  await writeFile(own, '{"kind":"ru')
  await writeFile(own.replace(`-${process.pid}-`, '-4194999-'), '{"kind":"ru')
  t.equal((await runIds(runs.folder)).length, 4, 'it is no run')
  await prune(runs.folder, NOW)
  t.strictSame((await readdir(runs.folder)).filter(isBeside), [basename(own)], 'but one whose writer lives')
})

t.test('a folder which is not there has no runs', async t => {
  t.strictSame(await runIds('/nowhere/runs'), [])
})
