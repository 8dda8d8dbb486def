import t from 'tap'
import { slice, split } from '../../../src/nodeset/sets/slices.ts'

const NAMES = 'a b c d e f g'.split(' ')

t.test('places are counted from 0; those beyond the end are left out', async t => {
  for (const [places, expected] of [
    ['0', 'a'],
    ['6', 'g'],
    ['7', ''],
    ['1-2', 'b c'],
    ['5-1000000000000', 'f g'],
    ['0-100/3', 'a d g'],
    ['3,1,1', 'b d'],
    ['-2-1', 'a b'],
    ['-3-6/2', 'b d f'],
    [`0-${'9'.repeat(90)}/${'9'.repeat(90)}`, 'a'],
  ] as const)
    t.equal(slice(NAMES, places).join(' '), expected, places)
  t.throws(() => slice(NAMES, '2-1'), { code: 'EXPRESSION' })
})

t.test('a list is split into parts of nearly the same size', async t => {
  t.strictSame(split(NAMES, 3), [
    ['a', 'b', 'c'],
    ['d', 'e'],
    ['f', 'g'],
  ])
  t.strictSame(split(['a', 'b'], 5), [['a'], ['b']])
  t.strictSame(split([], 2), [])
})
