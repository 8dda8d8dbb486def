import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { processLag, stopwatch } from '../../src/base/stopwatch.ts'
import { stall } from '../fixtures/stall.ts'

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

t.test('when the time is up it aborts with the reason', async t => {
  using watch = stopwatch(50, () => new Error('late'))
  await ended(watch.signal)
  t.match(watch.signal.reason, { message: 'late' })
  using plain = stopwatch(1)
  await ended(plain.signal)
  t.match(plain.signal.reason, { name: 'TimeoutError' }, 'as that of AbortSignal.timeout')
})

t.test('without a limit, stopped, or disposed it never does', async t => {
  const watches = [stopwatch(0), stopwatch(1), stopwatch(1)] as const
  watches[1].stop()
  watches[2][Symbol.dispose]()
  using last = stopwatch(150)
  await ended(last.signal)
  t.strictSame(
    watches.map(({ signal }) => signal.aborted),
    [false, false, false],
  )
})

t.test('time in which this process was not there does not count', async t => {
  using watch = stopwatch(400)
  stall(1_000)
  await setImmediate()
  t.equal(watch.signal.aborted, false)
  await ended(watch.signal)
})

t.test('while somebody holds it the time stands', async t => {
  using watch = stopwatch(100)
  const [first, second] = [watch.pause(), watch.pause()]
  using other = stopwatch(300)
  await ended(other.signal)
  t.equal(watch.signal.aborted, false)
  first[Symbol.dispose]()
  using another = stopwatch(300)
  await ended(another.signal)
  t.equal(watch.signal.aborted, false, 'one of two still holds it')
  second[Symbol.dispose]()
  await ended(watch.signal)
})

t.test('a process which is behind with its work knows it', async t => {
  t.equal(processLag(), 0, 'nobody asks while no stopwatch runs')
  using _watch = stopwatch(60_000)
  stall(300)
  t.ok(processLag() > 200)
})
