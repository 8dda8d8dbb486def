import t from 'tap'
import { formatDuration, parseAge, parseDuration } from '../../src/base/duration.ts'

t.test('seconds, or a number with s, m, h or d, become milliseconds', async t => {
  const table = [
    [10, 10_000],
    [0, 0],
    ['0', 0],
    [0.5, 500],
    ['1.5', 1500],
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    [' 2 m ', 120_000],
  ] as const
  for (const [input, expected] of table) t.equal(parseDuration(input), expected, String(input))
})

t.test('anything else is refused, and the message says what is expected', async t => {
  for (const input of [
    '',
    'x',
    '-1',
    -1,
    '25d',
    '5w',
    '1e9',
    '600h',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '5 minutes',
  ])
    t.throws(() => parseDuration(input), { name: 'TypeError', message: /90s, 5m or 1h/ }, String(input))
})

t.test('an age may be longer than a timer can wait', async t => {
  t.equal(parseAge('7d'), 604_800_000)
  t.equal(parseAge('60d'), 5_184_000_000)
  t.equal(parseAge(0), 0)
  for (const input of ['4000d', 'a week', '-1d'])
    t.throws(() => parseAge(input), { name: 'TypeError', message: /5m, 12h or 7d/ }, input)
})

t.test('a time is shown in the unit in which people would say it', async t => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 ms'],
    [0.4, '0 ms'],
    [35.2, '35 ms'],
    [999.4, '999 ms'],
    [999.6, '1 s'],
    [2345, '2.3 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 0 s'],
    [65_000, '1 min 5 s'],
    [3_599_600, '1 h 0 min'],
    [7_830_000, '2 h 11 min'],
  ]
  for (const [milliseconds, expected] of cases) t.equal(formatDuration(milliseconds), expected, String(milliseconds))
})
