import t from 'tap'
import { age } from '../../../src/inventory/cache/age.ts'

t.test('ages are told in two units at most', async t => {
  const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]
  for (const [milliseconds, expected] of [
    [0, '0 ms'],
    [-5, '0 ms'],
    [90_000, '1 min 30 s'],
    [5 * MINUTE, '5 min'],
    [2 * HOUR + 5 * MINUTE, '2 h 5 min'],
    [DAY, '24 h'],
    [2 * DAY, '2 d'],
    [9 * DAY + 4 * HOUR, '9 d 4 h'],
    [3 * DAY - 1, '3 d'],
  ] as const)
    t.equal(age(milliseconds), expected, expected)
})
