import t from 'tap'
import { findCycle, stableOrder } from '../../../src/policy/file/order.ts'

t.test('the order is that of the document but where something has to come before', async t => {
  for (const [requirements, expected] of [
    [
      [[], [], []],
      [0, 1, 2],
    ],
    [
      [[2], [], []],
      [1, 2, 0],
    ],
    [
      [[], [], [0]],
      [0, 1, 2],
    ],
    [
      [[3], [0], [], []],
      [2, 3, 0, 1],
    ],
    [
      [[1], [2], []],
      [2, 1, 0],
    ],
    [
      [[1, 1], [], []],
      [1, 0, 2],
    ],
    [[], []],
  ] as const)
    t.strictSame(stableOrder(requirements), expected, JSON.stringify(requirements))
})

t.test('a cycle is found with its path', async t => {
  t.equal(findCycle([[1], [2], []]), undefined)
  t.strictSame(findCycle([[0]]), [0, 0])
  t.strictSame(findCycle([[1], [2], [0]]), [0, 1, 2, 0])
  t.strictSame(findCycle([[1], [2], [3], [1]]), [1, 2, 3, 1])
})

t.test('thousands of resources which share what they wait for take no time', async t => {
  const requirements = Array.from({ length: 3000 }, (_, i) => (i === 0 ? [] : [i - 1, 0]))
  t.equal(findCycle(requirements), undefined)
  t.equal(stableOrder(requirements).length, 3000)
})
