import t from 'tap'
import { globMatcher, matchRegex } from '../../src/nodeset/match.ts'

const NAMES = 'web1 web2 web10 web01 db1 web1-ib0 web2-ib1 a.b a+b (x)'.split(' ')
const matched = (pattern: string) => NAMES.filter(globMatcher(pattern)).join(' ')

t.test('a wildcard matches the whole name; brackets stand for numbers as written', async t => {
  for (const [pattern, expected] of [
    ['*', NAMES.join(' ')],
    ['web*', 'web1 web2 web10 web01 web1-ib0 web2-ib1'],
    ['web?', 'web1 web2'],
    ['?b1', 'db1'],
    ['*b1', 'web1 db1 web2-ib1'],
    ['web[1-2]*', 'web1 web2 web10 web1-ib0 web2-ib1'],
    ['web[1-2]*[0-1]', 'web10 web1-ib0 web2-ib1'],
    ['*[01]', 'web01'],
    ['*[1-10]', 'web1 web2 web10 web01 db1 web2-ib1'],
    ['web1[0-9]', 'web10'],
    ['a?b', 'a.b a+b'],
    ['(*)', '(x)'],
    ['**', NAMES.join(' ')],
    ['x*', ''],
  ] as const)
    t.equal(matched(pattern), expected, pattern)
  t.ok(globMatcher('a?b')('a😀b'), 'a question mark is one character')
})

t.test('many stars take no longer than few', async t => {
  const matches = globMatcher(`${'*a'.repeat(50)}*b`)
  t.notOk(matches('a'.repeat(250)))
  t.ok(matches(`${'a'.repeat(250)}b`))
})

t.test('a regular expression is searched for in every name', async t => {
  t.strictSame(matchRegex('^web[0-9]+$', NAMES), ['web1', 'web2', 'web10', 'web01'])
  t.strictSame(matchRegex('b1', NAMES), ['web1', 'web10', 'db1', 'web1-ib0', 'web2-ib1'])
})

t.test('a regular expression which would never end is given up, and said so', async t => {
  t.throws(() => matchRegex('^(a+)+$', [`${'a'.repeat(60)}b`]), {
    code: 'EXPRESSION',
    message: /takes longer than 1 s on 1 names; write it without a repetition inside a repetition/,
  })
})
