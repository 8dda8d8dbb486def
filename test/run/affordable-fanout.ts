import t from 'tap'
import { affordable } from '../../src/run/affordable-fanout.ts'

t.test('the window is what is wanted, needed and allowed, and says when it is less', async t => {
  for (const [wanted, targets, descriptors, limit, expected, told] of [
    [64, 1000, 1, 1024, 64, false],
    [1000, 1000, 1, 1024, 960, true],
    [1000, 10, 1, 70, 6, true],
    [64, 0, 1, 1024, 1, false],
    [64, 100, 4, 104, 10, true],
    [64, 100, 1, 10, 1, true],
    [64, 100, 0, 10, 64, false],
  ] as const) {
    const notices: string[] = []

    const window = affordable(wanted, targets, descriptors, text => notices.push(text), limit)
    t.equal(window, expected, `${wanted} of ${targets} with ${limit}`)
    t.equal(notices.length > 0, told)
  }
})
