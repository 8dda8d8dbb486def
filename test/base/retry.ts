import t from 'tap'
import { backOff, Retry } from '../../src/base/retry.ts'

const limits = { first: 100, most: 1000 }

t.test('waits double up to the most, of which half is left to chance', async t => {
  const most = (tries: number) => backOff(tries, limits, () => 1)
  t.strictSame([1, 2, 3, 4, 5, 6, 50, 5000].map(most), [100, 200, 400, 800, 1000, 1000, 1000, 1000])
  t.strictSame(
    [1, 2, 5000].map(tries => backOff(tries, limits, () => 0)),
    [50, 100, 500],
  )
  const waits = Array.from({ length: 1000 }, () => backOff(3, limits))
  t.ok(waits.every(wait => wait >= 200 && wait <= 400))
  t.ok(new Set(waits).size > 500)
})

t.test('what has worked begins anew', async t => {
  const retry = new Retry(limits, () => 1)
  t.strictSame([retry.failed(), retry.failed(), retry.failures], [100, 200, 2])
  retry.reset()
  t.strictSame([retry.failures, retry.failed(), retry.failures], [0, 100, 1])
})

t.test('a wait is over by itself, or with the signal', async t => {
  const soon = new Retry({ first: 1, most: 1 })
  await soon.wait({ signal: new AbortController().signal })
  t.equal(soon.failures, 1)
  const long = new Retry({ first: 1_000_000, most: 1_000_000 })
  const abort = new AbortController()
  const waiting = long.wait(abort)
  abort.abort(new Error('enough'))
  await t.rejects(waiting, { message: 'enough' })
  await t.rejects(long.wait(abort), { message: 'enough' })
})
