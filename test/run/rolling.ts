import t from 'tap'
import { pause } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { backOff } from '../../src/base/retry.ts'
import { parseAmount, parseSerial } from '../../src/run/amount.ts'
import type { Outcome } from '../../src/run/outcome.ts'
import { batchSizes, type RollingFlags, rolling } from '../../src/run/rolling.ts'
import { target } from '../fixtures/program/act.ts'

const targets = (count: number) => Array.from({ length: count }, (_, i) => target(`n${i + 1}`))
const ok: Outcome = { kind: 'ok', changed: true }
const failed: Outcome = { kind: 'failed', error: new StokerError('COMMAND_FAILED', 'n', 'exit code 1') }
const unreachable = (code: 'CONNECT_FAILED' | 'AUTH_FAILED' = 'CONNECT_FAILED'): Outcome => ({
  kind: 'unreachable',
  error: new StokerError(code, 'n', 'no'),
})

t.test('sizes of batches: numbers and shares of all, rounded down, at least one; the last one repeats', async t => {
  for (const [serial, total, sizes] of [
    ['1,25%,100%', 100, [1, 25, 74]],
    ['1,10%,50%,100%', 100, [1, 10, 50, 39]],
    ['3', 10, [3, 3, 3, 1]],
    ['1,2', 6, [1, 2, 2, 1]],
    ['10%', 5, [1, 1, 1, 1, 1]],
    ['29%', 100, [29, 29, 29, 13]],
    ['33.4%', 3, [1, 1, 1]],
    ['500', 7, [7]],
    ['1', 0, []],
  ] as const)
    t.strictSame(batchSizes(parseSerial(serial), total), sizes, `${serial} of ${total}`)
  t.strictSame(batchSizes([], 7), [7], 'without sizes all are one batch')
})

const roll = (flags: RollingFlags, count: number) => {
  const said: string[] = []
  return { said, ...bound(rolling(flags, targets(count), text => said.push(text))) }
}
const bound = (made: ReturnType<typeof rolling>) => ({ made, isStopped: () => made.stopped })

t.test('it stops when more went wrong than may, whatever the way', async t => {
  const { made, isStopped, said } = roll({ maxFail: parseAmount('10%', 0) }, 20)
  made.begin(0)
  for (const outcome of [failed, ok, unreachable('AUTH_FAILED'), ok]) made.ended(outcome)
  t.equal(isStopped(), false, 'two of twenty may')
  made.ended({ kind: 'timed-out', error: new StokerError('TIMED_OUT', 'n', 'late') })
  t.equal(isStopped(), true)
  made.ended(failed)
  t.strictSame(said, ['3 went wrong, and 2 (10%) may: no more targets are started'], 'told once')
})

t.test('what was stopped or never started is not counted as gone wrong', async t => {
  const { made, isStopped } = roll({ maxFail: parseAmount('0', 0) }, 3)
  made.begin(0)
  made.ended({ kind: 'not-started' })
  made.ended({ kind: 'cancelled', error: new StokerError('CANCELLED', 'n', 'stopped') })
  t.equal(isStopped(), false)
  made.ended(failed)
  t.equal(isStopped(), true)
})

t.test('without a limit, a whole batch gone wrong is the last; a part of it is not', async t => {
  const whole = roll({ serial: parseSerial('2') }, 6)
  whole.made.begin(0)
  for (const outcome of [ok, failed]) whole.made.ended(outcome)
  t.equal(whole.isStopped(), false)
  whole.made.begin(1)
  for (const outcome of [failed, failed]) whole.made.ended(outcome)
  t.equal(whole.isStopped(), true)
  t.match(whole.said, ['batch 1 of 3: n[1-2] (2)', 'batch 2 of 3: n[3-4] (2)', /all of this batch went wrong/])
  const limited = roll({ serial: parseSerial('1'), maxFail: parseAmount('50%', 0) }, 6)
  limited.made.begin(0)
  limited.made.ended(failed)
  t.equal(limited.isStopped(), false, 'with a limit, that alone counts')
  const single = roll({}, 1)
  single.made.begin(0)
  single.made.ended(failed)
  t.strictSame(single.said, [], 'one batch is not worth a word')
})

t.test(
  'only an unreachable target is tried again, so many times, and not when its key or login was refused',
  async t => {
    const { made } = roll({ retry: 2 }, 3)
    t.type(made.again(unreachable(), 1), 'number')
    t.type(made.again(unreachable(), 2), 'number')
    for (const [outcome, tries] of [
      [unreachable(), 3],
      [unreachable('AUTH_FAILED'), 1],
      [failed, 1],
      [ok, 1],
    ] as const)
      t.equal(made.again(outcome, tries), undefined)
    t.equal(roll({}, 1).made.again(unreachable(), 1), undefined, 'nor without being asked to')
  },
)

t.test('waits grow up to a limit, and half of each is left to chance', async t => {
  const limits = { first: 100, most: 1000 }
  const waits = (chance: number) => [1, 2, 3, 4, 5, 60].map(tries => backOff(tries, limits, () => chance))
  t.strictSame(waits(1), [100, 200, 400, 800, 1000, 1000])
  t.strictSame(waits(0), [50, 100, 200, 400, 500, 500])
  await t.rejects(pause(60_000, { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
  const stop = new AbortController()
  const waiting = t.rejects(pause(60_000, stop), { message: 'enough' })
  stop.abort(new Error('enough'))
  await waiting
})
