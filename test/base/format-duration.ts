import t from 'tap'
import { duration } from '../../src/base/format-duration.ts'

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
  for (const [milliseconds, expected] of cases) t.equal(duration(milliseconds), expected, String(milliseconds))
})
