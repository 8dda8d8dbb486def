import t from 'tap'
import { expand } from '../../src/nodeset/expand.ts'

/** Names separated by blanks, for short tables. */
const names = (pattern: string) => expand(pattern).join(' ')

t.test('names, ranges, steps and several brackets are written out in the order written', async t => {
  for (const [pattern, expected] of [
    ['web', 'web'],
    ['web[1-3]', 'web1 web2 web3'],
    ['web[3,1-2]', 'web3 web1 web2'],
    ['web[1-9/4]', 'web1 web5 web9'],
    ['web[1-3/1]', 'web1 web2 web3'],
    ['b,a,b', 'b a'],
    ['web[1,1,01]', 'web1 web01'],
    ['r[1-2]n[1-2]', 'r1n1 r1n2 r2n1 r2n2'],
    ['r[1-2]n[1-2]-ib0', 'r1n1-ib0 r1n2-ib0 r2n1-ib0 r2n2-ib0'],
    ['[1-2]', '1 2'],
    ['[1-2]x', '1x 2x'],
    ['10.0.0.[9-10]', '10.0.0.9 10.0.0.10'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['100%[1-2]%s', '100%1%s 100%2%s'],
    ['knöten[1-2]', 'knöten1 knöten2'],
  ] as const)
    t.equal(names(pattern), expected, pattern)
})

t.test('every element keeps the padding it was written with', async t => {
  for (const [pattern, expected] of [
    ['n[08-11]', 'n08 n09 n10 n11'],
    ['n[1,01,001]', 'n1 n01 n001'],
    ['n[098-101/3]', 'n098 n101'],
    ['n[8-11]', 'n8 n9 n10 n11'],
    ['n[00-01]', 'n00 n01'],
  ] as const)
    t.equal(names(pattern), expected, pattern)
})

t.test('numbers may be negative and huge', async t => {
  t.equal(names('n[-2-1]'), 'n-2 n-1 n0 n1')
  t.equal(names('n[-9--5/2]'), 'n-9 n-7 n-5')
  t.equal(names('n[-5]'), 'n-5')
  t.equal(names('n[-0]'), 'n0')
  t.equal(
    names('n[99999999999999999999-100000000000000000001]'),
    ['n99999999999999999999', 'n100000000000000000000', 'n100000000000000000001'].join(' '),
  )
})

t.test('digits beside a bracket belong to the number', async t => {
  for (const [pattern, expected] of [
    ['n12[1-2]', 'n121 n122'],
    ['n02[1-2]0', 'n0210 n0220'],
    ['n[1-2]50', 'n150 n250'],
    ['n1[0-20/10]', 'n10 n110 n120'],
    ['n1[8,9,10]', 'n18 n19 n110'],
    ['n[9-10]0', 'n90 n100'],
    ['n2[010-012]', 'n2010 n2011 n2012'],
  ] as const)
    t.equal(names(pattern), expected, pattern)
})

t.test('operators work from left to right, parentheses first', async t => {
  for (const [pattern, expected] of [
    ['a,b!a', 'b'],
    ['a!a,b', 'b'],
    ['n[1-5]!n[2-3],n2', 'n1 n4 n5 n2'],
    ['n[1-5]&n[4-9]', 'n4 n5'],
    ['n[1-5]^n[4-7]', 'n1 n2 n3 n6 n7'],
    ['n[1-5]&n[4-9]!n4^n9', 'n5 n9'],
    ['n[1-5]!(n[1-3]!n2)', 'n2 n4 n5'],
    ['(a,b)&(b,c)', 'b'],
    ['((a))', 'a'],
    ['a,(b,c)!b', 'a c'],
    [' a , b ! a ', 'b'],
    ['n[ 1 - 2 , 4 ]', 'n1 n2 n4'],
    ['tea pot[1-2], cup', 'tea pot1 tea pot2 cup'],
  ] as const)
    t.equal(names(pattern), expected, pattern)
})

t.test('what needs a warehouse is refused', async t => {
  for (const pattern of ['@web', '@@', 'web*', '/web/', '^list', '@x:(a=b)', 'a,@web'])
    t.throws(() => expand(pattern), { code: 'EXPRESSION', message: /only plain names/ }, pattern)
})

t.test('too many names are refused before they are written out', async t => {
  t.throws(() => expand('n[0-999999999]'), { code: 'EXPRESSION', message: /1000000000 names.*at most 1000000/ })
  t.throws(() => expand('a[1-1000]b[1-1000]c[1-2]'), { code: 'EXPRESSION', message: /2000000 names/ })
  t.throws(() => expand('a[1-600000],b[1-600000]'), { code: 'EXPRESSION', message: /column 13: 1200000 names/ })
  t.throws(() => expand(`n[0-${'9'.repeat(100)}]`), { code: 'EXPRESSION', message: /1e\+100 names/ })
})
