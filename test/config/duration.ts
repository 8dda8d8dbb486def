import t from 'tap'
import { parseDuration } from '../../src/config/duration.ts'

t.test('seconds, or a number with s, m or h, become milliseconds', async t => {
  const table = [
    [10, 10_000],
    [0, 0],
    ['0', 0],
    [0.5, 500],
    ['1.5', 1500],
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    [' 2 m ', 120_000],
  ] as const
  for (const [input, expected] of table) t.equal(parseDuration(input), expected, String(input))
})

t.test('anything else is refused, and the message says what is expected', async t => {
  for (const input of ['', 'x', '-1', -1, '5d', '1e9', '600h', Number.NaN, Number.POSITIVE_INFINITY, '5 minutes'])
    t.throws(() => parseDuration(input), { name: 'TypeError', message: /90s, 5m or 1h/ }, String(input))
})
