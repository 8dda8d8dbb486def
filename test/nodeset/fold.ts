import t from 'tap'
import { expand } from '../../src/nodeset/expand.ts'
import { fold } from '../../src/nodeset/fold.ts'
import { families } from '../../src/nodeset/sets/family.ts'
import { contiguous, inOrder } from '../../src/nodeset/sets/order.ts'
import { seeded } from '../fixtures/seeded.ts'

/** Folds names separated by blanks. */
const folded = (names: string, options = {}) => fold(names === '' ? [] : names.split(' '), options)

t.test('numbers are folded into ranges, families of names are sorted', async t => {
  for (const [names, expected] of [
    ['', ''],
    ['web', 'web'],
    ['web1', 'web1'],
    ['web2 web1 web3', 'web[1-3]'],
    ['web1 web1', 'web1'],
    ['web9 web10 web11 web1', 'web[1,9-11]'],
    ['web1 db2 db1 mail', 'db[1-2],mail,web1'],
    ['web web1 web2', 'web,web[1-2]'],
    ['n1-ib0 n2-ib0', 'n[1-2]-ib0'],
    ['1 2 3', '[1-3]'],
    ['a%1 a%2', 'a%[1-2]'],
    ['a%s 100%', '100%,a%s'],
    ['ૐ1 ૐ2', 'ૐ[1-2]'],
  ] as const)
    t.equal(folded(names), expected, names)
})

t.test('padding is kept per element, also with mixed lengths', async t => {
  for (const [names, expected] of [
    ['n08 n09 n10', 'n[08-10]'],
    ['n1 n01 n001', 'n[1,01,001]'],
    ['n099 n100 n1000', 'n[099-100,1000]'],
    ['n9 n10 n010 n011', 'n[9-10,010-011]'],
    ['n0 n00 n1', 'n[0-1,00]'],
  ] as const)
    t.equal(folded(names), expected, names)
})

t.test('a dash is a sign where numbers meet at zero, and a dash elsewhere', async t => {
  t.equal(folded('n-2 n-1 n0 n1'), 'n[-2-1]')
  t.equal(folded('n-1 n0'), 'n[-1-0]')
  t.equal(folded('web-1 web-2 web1 web2'), 'web[1-2],web-[1-2]')
  t.equal(folded('n-1 n-02 n0'), 'n0,n-[1,02]')
})

t.test('huge numbers are exact', async t => {
  t.equal(
    folded('n99999999999999999998 n99999999999999999999 n100000000000000000000 n7'),
    'n[7,99999999999999999998-100000000000000000000]',
  )
  const long = `n${'1'.repeat(101)}`
  t.equal(folded(`${long} n1 n2`), `n[1-2],${long}`)
})

t.test('several numbers fold into products, larger ones first', async t => {
  for (const [names, expected] of [
    ['r1n1 r1n2 r2n1 r2n2', 'r[1-2]n[1-2]'],
    ['r1n1 r2n2', 'r1n1,r2n2'],
    ['r1n1 r1n2 r2n2', 'r1n[1-2],r2n2'],
    ['r10n1 r9n1', 'r[9-10]n1'],
    ['r10n1 r9n2', 'r9n2,r10n1'],
    ['a1b1c1 a1b1c2 a1b2c1 a1b2c2 a2b1c1', 'a1b[1-2]c[1-2],a2b1c1'],
  ] as const)
    t.equal(folded(names), expected, names)
  t.equal(fold(expand('r[1-40]n[1-50]!r7n[3-5]')), 'r[1-6,8-40]n[1-50],r7n[1-2,6-50]')
})

t.test('what is no product is cut as nodeset(1) cuts it', async t => {
  for (const [names, expected] of [
    ['a0b2c1 a1b0c1 a1b1c0 a1b2c1', 'a[0-1]b2c1,a1b0c1,a1b1c0'],
    ['a0b0 a1b0 a1b2 a1b3 a2b0 a3b2 a3b3', 'a[1,3]b[2-3],a[0-2]b0'],
    ['a0b2 a1b1 a2b1 a2b2', 'a[0,2]b2,a[1-2]b1'],
    ['a0b0c1 a0b2c2 a1b2c2 a2b0c1', 'a[0-1]b2c2,a[0,2]b0c1'],
    ['a2b2 a3b0 a3b2', 'a3b[0,2],a2b2'],
    ['a0b0 a1b1 a2b0', 'a[0,2]b0,a1b1'],
    ['a0b1 a0b2 a1b0 a2b0', 'a[1-2]b0,a0b[1-2]'],
  ] as const)
    t.equal(folded(names), expected, names)
})

t.test('steps are written from the given number of elements on', async t => {
  for (const [names, autostep, expected] of [
    ['n0 n2 n4', undefined, 'n[0,2,4]'],
    ['n0 n2 n4', 4, 'n[0,2,4]'],
    ['n0 n2 n4', 3, 'n[0-4/2]'],
    ['n1 n3', 2, 'n[1-3/2]'],
    ['n1 n2 n3', 3, 'n[1-3]'],
    ['n1 n3 n4 n6 n8', 3, 'n[1,3-4,6,8]'],
    ['n01 n04 n07 n10', 4, 'n[01-10/3]'],
    ['n1 n04 n7', 3, 'n[1,7,04]'],
  ] as const)
    t.equal(folded(names, { autostep }), expected, `${names} from ${autostep}`)
})

t.test('ranges may be kept to some places of a name', async t => {
  const names = expand('c-[1-2]-[1-3],l-[1-2]')
  t.equal(fold(names, { axes: [1] }), 'c-[1-2]-1,c-[1-2]-2,c-[1-2]-3,l-[1-2]')
  t.equal(fold(names, { axes: [2] }), 'c-1-[1-3],c-2-[1-3],l-1,l-2')
  t.equal(fold(names, { axes: [-1] }), 'c-1-[1-3],c-2-[1-3],l-[1-2]')
  t.equal(fold(names, { axes: [] }), 'c-1-1,c-2-1,c-1-2,c-2-2,c-1-3,c-2-3,l-1,l-2')
})

t.test('the text does not depend on the order of the names', async t => {
  const names = expand('a[1-3]b[1-4],x[01-03],y!a2b[2-3]')
  t.equal(fold(names.toReversed()), fold(names))
})

t.test('the order of a set is the order of its text', async t => {
  const set = new Set('n10 n9 r2x1 r1x2 r1x1 m'.split(' '))
  t.strictSame(inOrder(families(set)), ['m', 'n9', 'n10', 'r1x1', 'r1x2', 'r2x1'])
  t.strictSame(contiguous(families(new Set(expand('n[1-2,4],m,x[1,3]y[1-2]')))), [
    ['m'],
    ['n1', 'n2'],
    ['n4'],
    ['x1y1', 'x1y2'],
    ['x3y1', 'x3y2'],
  ])
})

t.test('irregular names fold and expand in a time which grows as their number does, not as its square', async t => {
  const next = seeded(t).below
  const kinds: Readonly<Record<string, () => string>> = {
    'one number': () => `node${next(10_000_000)}`,
    'racks with holes': () => `r${next(110)}c${next(20)}n${next(50)}`,
    'words of letters and digits': () => `h${next(1e9).toString(36)}-${next(1e9).toString(36)}`,
    'sparse pairs': () => `x${next(100_000)}y${next(100_000)}`,
  }
  for (const [kind, make] of Object.entries(kinds)) {
    const work = (count: number): number => {
      const names = new Set(Array.from({ length: count }, make))
      const [back, cpu] = timed(() => expand(fold(names)))
      t.equal(names.symmetricDifference(new Set(back)).size, 0, kind)
      return cpu
    }
    const few = work(10_000)
    const many = work(100_000)
    // Ten times, as it should be, or a hundred: both were measured a moment ago on the same machine.
    t.ok(many < 50 * few, `${kind}: ${few} and ${many} µs of CPU`)
  }
})

/** What a function returns, and the microseconds of CPU it took. */
function timed<T>(work: () => T): readonly [T, number] {
  const start = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(start)
  return [result, user + system]
}
