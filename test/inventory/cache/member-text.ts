import t from 'tap'
import { parseGroupName, parseNodeName } from '../../../src/base/names.ts'
import { memberText, parseMember } from '../../../src/inventory/cache/member-text.ts'
import type { Member } from '../../../src/inventory/warehouse.ts'
import { expandExpression } from '../../../src/nodeset/expand.ts'
import type { Expression } from '../../../src/nodeset/syntax/expression.ts'
import { parseExpression } from '../../../src/nodeset/syntax/parse.ts'
import { seeded } from '../../fixtures/seeded.ts'

const expression = (text: string): Member => ({ kind: 'expression', expression: parseExpression(text) })

t.test('nodes, groups and expressions become text', async t => {
  t.equal(memberText({ kind: 'node', name: parseNodeName('web1') }), 'web1')
  t.equal(memberText({ kind: 'group', name: parseGroupName('Rack 3') }), '@Rack 3')
  for (const [written, kept] of [
    ['web[1-3]', '=web1,web2,web3'],
    ['a,(b,@c)', '=a,b,@c'],
    ['(a,@b)!(c&d)^@e', '=a,@b!(c&d)^@e'],
    ['a!(b!c)', '=a!(b!c)'],
    ['@site:rack[1-2],n*,/^x[0-9]+$/', '=@site:rack1,@site:rack2,n*,/^x[0-9]+$/'],
    ['@ldap:(&(l=rack3)(!(cn=web1)))', '=@ldap:(&(l=rack3)(!(cn=web1)))'],
    ['Rack 3,@*,@@', '=Rack 3,@*,@@'],
  ] as const)
    t.equal(memberText(expression(written)), kept, written)
})

t.test('the text read again means the same, however deep it nests', async t => {
  const words = ['a', 'b[1-3]', 'b[2-5]', 'c,a', 'b4']
  const random = seeded(t)
  const made = (depth: number): string =>
    depth === 0 || random.below(4) === 0
      ? random.oneOf(words)
      : `(${made(depth - 1)}${random.oneOf([',', '!', '&', '^', ','])}${made(depth - 1)})`
  const namesIn = (member: Member) =>
    member.kind === 'expression' ? [...expandExpression(member.expression)].sort().join() : 'no expression'
  for (let i = 0; i < 1000; i++) {
    const written = expression(made(5))
    const text = memberText(written) ?? '=not kept'
    if (namesIn(parseMember(text)) !== namesIn(written))
      return t.equal(text, (written as { expression: unknown }).expression)
  }
  t.pass('a thousand times')
})

t.test('what could not be read again has no text', async t => {
  const names = (list: readonly string[]): Expression => ({ kind: 'names', text: 'x', names: list })
  for (const list of [[], ['a,b'], ['a!b'], ['a['], [' a'], ['@a']])
    t.equal(memberText({ kind: 'expression', expression: names(list) }), undefined, JSON.stringify(list))
  t.equal(memberText({ kind: 'group', name: '-x' as never }), undefined)
  t.equal(memberText({ kind: 'node', name: '@x' as never }), undefined)
})
