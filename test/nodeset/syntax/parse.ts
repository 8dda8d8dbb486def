import t from 'tap'
import type { Expression } from '../../../src/nodeset/syntax/expression.ts'
import { parseExpression } from '../../../src/nodeset/syntax/parse.ts'

/** An expression in prefix notation, for short tables. */
const shape = (expression: Expression): string => {
  switch (expression.kind) {
    case 'names':
      return `[${expression.names.join(' ')}]`
    case 'group':
      return `group(${expression.warehouse ?? ''}:${expression.name})`
    case 'group-names':
      return `group-names(${expression.warehouse ?? ''})`
    case 'wildcard':
      return `wildcard(${expression.pattern})`
    case 'regex':
      return `regex(${expression.source})`
    case 'file':
      return `file(${expression.path})`
    case 'query':
      return `query(${expression.warehouse}:${expression.query})`
    default:
      return `(${shape(expression.left)} ${expression.operator} ${shape(expression.right)})`
  }
}

t.test('every kind of operand is told apart', async t => {
  for (const [text, expected] of [
    ['web[1-2]', '[web1 web2]'],
    ['@web', 'group(:web)'],
    ['@ldap:web', 'group(ldap:web)'],
    ['@ldap:a:b', 'group(ldap:a:b)'],
    ['@*', 'group(:*)'],
    ['@ldap:*', 'group(ldap:*)'],
    ['@Rack 3 , a', '(group(:Rack 3) , [a])'],
    ['@rack[1-2]', '(group(:rack1) , group(:rack2))'],
    ['@ldap:rack[08-09]', '(group(ldap:rack08) , group(ldap:rack09))'],
    ['@@', 'group-names()'],
    ['@@ldap', 'group-names(ldap)'],
    ['web*', 'wildcard(web*)'],
    ['?eb[1-2]', 'wildcard(?eb[1-2])'],
    ['/^web[0-9]+$/', 'regex(^web[0-9]+$)'],
    ['/a\\/b,c/!x', '(regex(a\\/b,c) ! [x])'],
    ['^hosts.txt', 'file(hosts.txt)'],
    ['^/etc/hosts list,a', '(file(/etc/hosts list) , [a])'],
    ['a^b', '([a] ^ [b])'],
    ['a^^b', '([a] ^ file(b))'],
    ['(^b)&a', '(file(b) & [a])'],
    ['@ldap:(rack=3)', 'query(ldap:rack=3)'],
    ['@ldap:(&(rack=3)(!(os=x)))!a', '(query(ldap:&(rack=3)(!(os=x))) ! [a])'],
  ] as const)
    t.equal(shape(parseExpression(text)), expected, text)
})

t.test('operators bind from left to right, parentheses become nesting, names join into one leaf', async t => {
  for (const [text, expected] of [
    ['a,b,c', '[a b c]'],
    ['a,b!c,d', '(([a b] ! [c]) , [d])'],
    ['a!b!c', '(([a] ! [b]) ! [c])'],
    ['a!(b!c)', '([a] ! ([b] ! [c]))'],
    ['a&b^c!d', '((([a] & [b]) ^ [c]) ! [d])'],
    ['@x,a,b,@y', '((group(:x) , [a b]) , group(:y))'],
    ['(a,b),c', '[a b c]'],
  ] as const)
    t.equal(shape(parseExpression(text)), expected, text)
  const leaf = parseExpression(' a , n[1-2] !b')
  t.match(leaf, { kind: 'operation', left: { kind: 'names', text: 'a,n[1-2]' } })
})

t.test('an error names the column and what is expected there', async t => {
  for (const [text, message] of [
    ['', /"", column 1: the expression is empty; write a name, a range or @group/],
    ['  ', /the expression is empty/],
    ['n[5-3]', /"n\[5-3\]", column 3: the range goes from 5 down to 3; write the smaller number first/],
    ['a,n[x]', /column 5: bad range "x"; write a number, a range such as 1-5/],
    ['n[]', /column 3: the range is empty/],
    ['n[1,,2]', /column 5: the range is empty/],
    ['n[3/2]', /column 3: a step needs a range; write 3-\.\.\.\/2/],
    ['n[1-3/0]', /the step is 0/],
    ['n[01-002]', /the bounds 01 and 002 are padded to different lengths/],
    ['n[-01]', /negative numbers cannot be padded with zeros; write -1/],
    ['n[1', /column 2: the "\[" is not closed; a "\]" is expected/],
    ['n[1!a', /column 2: the "\[" is not closed/],
    ['n1]', /column 3: a "\]" without its "\["/],
    ['n[1]]', /column 5: a "\]" without its "\["/],
    ['n[[1]]', /column 3: a "\[" inside brackets/],
    ['n[1-2][3-4]', /column 7: two brackets need something other than digits between them/],
    ['n[1-2]0[3-4]', /column 7: two brackets/],
    ['p2[10-320]', /column 4: beside digits, the bounds 10 and 320 must have the same number of digits/],
    ['p0[1-6/2]0', /a range with a step cannot be followed by the digits 0/],
    ['n1[-5-3]', /negative numbers cannot have digits beside their brackets/],
    [`n${'3'.repeat(101)}`, /a number of more than 100 digits/],
    [`n[${'3'.repeat(101)}]`, /more than 100 digits/],
    [`n3[${'3'.repeat(100)}]`, /more than 100 digits/],
    ['a,,b', /column 2: missing nodeset operand with ',' operator/],
    ['a,', /column 2: missing nodeset operand with ',' operator/],
    ['a!', /column 2: missing nodeset operand with '!' operator/],
    ['a^', /column 2: missing nodeset operand with '\^' operator/],
    ['!a', /column 1: "!" without anything on its left/],
    ['^', /column 1: "\^" without anything on its left/],
    ['(a,b', /column 1: the "\(" is not closed; a "\)" is expected/],
    ['a)', /column 2: a "\)" without its "\("/],
    ['()', /column 2: "\)" without anything on its left/],
    ['a(b)', /column 2: a "\(" inside a name; an operator is expected before it/],
    ['(a)b', /column 4: an operator is expected here/],
    ['/a', /column 1: the regular expression is not closed; a "\/" is expected/],
    ['//', /the regular expression is empty/],
    ['/(/', /column 1: Invalid regular expression/],
    ['/a/b', /column 4: an operator is expected here/],
    ['@', /a group is expected after "@"/],
    ['@ldap:', /a group is expected after "@"/],
    ['@web*', /the name of a group has no wildcards/],
    ['@(a=b)', /a query names its warehouse: @warehouse:\(\.\.\.\)/],
    ['@x:(a', /column 4: the query is not closed/],
    ['@x:()', /the query is empty/],
    ['a\u0000b', /column 2: a control character/],
    ['a\u001b[2J', /column 2: a control character/],
  ] as const)
    t.throws(() => parseExpression(text), { code: 'EXPRESSION', message }, text)
})

t.test('a long text is cut around the place of the error', async t => {
  t.throws(() => parseExpression(`${'a,'.repeat(500)}n[5-3],${'b,'.repeat(500)}`), {
    message: /^"\.\.\.(a,)+n\[5-3\],(b,)+b?", column 1003: the range goes from 5 down to 3/,
  })
})

t.test('an odd text ends with an error, at once', async t => {
  for (const char of ['[', ']', '(', ')', ',', '!', '@', '^', '/', '*'.repeat(3), 'a[1]', '@a,(', 'a!'])
    t.throws(() => parseExpression(`${char.repeat(100_000)}(`), { code: 'EXPRESSION' }, char)
})

t.test('long lists of groups become a shallow tree', async t => {
  const depth = (expression: Expression): number =>
    expression.kind === 'operation' ? 1 + Math.max(depth(expression.left), depth(expression.right)) : 0
  t.ok(depth(parseExpression(Array.from({ length: 10_000 }, (_, i) => `@g${i}`).join(','))) < 20)
  t.throws(() => parseExpression('a!b'.repeat(2000)), { message: /more than 1000 operators in one row/ })
  t.throws(() => parseExpression(`${'('.repeat(101)}a${')'.repeat(101)}`), {
    message: /parentheses nest deeper than 100/,
  })
})
