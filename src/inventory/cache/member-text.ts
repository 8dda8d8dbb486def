/** Members of groups as text for a copy, and back: `web1`, `@group`, `=expression`. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { isNodeName, parseGroupName, parseNodeName } from '../../base/names.ts'
import type { Expression } from '../../nodeset/syntax/expression.ts'
import { parseExpression } from '../../nodeset/syntax/parse.ts'
import type { Member } from '../warehouse.ts'

/** The member as text; `undefined` when reading it again would not give the same member. */
export const memberText = (member: Member): string | undefined => {
  if (member.kind === 'node') return isNodeName(member.name) ? member.name : undefined
  const text = member.kind === 'group' ? `@${member.name}` : `=${expressionText(member.expression)}`
  try {
    return isDeepStrictEqual(meaning(parseMember(text)), meaning(member)) ? text : undefined
  } catch {
    return undefined // a member of a third party's making, which nobody could have typed
  }
}

/** The member which a text stands for; throws `EXPRESSION` when it stands for none. */
export const parseMember = (text: string): Member => {
  if (text.startsWith('@')) return { kind: 'group', name: parseGroupName(text.slice(1)) }
  if (text.startsWith('=')) return { kind: 'expression', expression: parseExpression(text.slice(1)) }
  return { kind: 'node', name: parseNodeName(text) }
}

/** The expression as one could type it, its names written out. */
export const expressionText = (expression: Expression): string => {
  if (expression.kind === 'names') return expression.names.join(',')
  if (expression.kind !== 'operation') return expression.text
  const { operator, left, right } = expression
  // Operators bind left to right: only what is not the first operand may need parentheses.
  if (operator === ',')
    return unionParts(expression)
      .map((part, i) => inParentheses(expressionText(part), i > 0 && part.kind === 'operation'))
      .join(',')
  const isMany = right.kind === 'operation' || (right.kind === 'names' && right.names.length > 1)
  return `${expressionText(left)}${operator}${inParentheses(expressionText(right), isMany)}`
}

const inParentheses = (text: string, yes: boolean): string => (yes ? `(${text})` : text)

/** The operands of nested unions, which may be nested in any way and mean the same. */
const unionParts = (expression: Expression): readonly Expression[] =>
  expression.kind === 'operation' && expression.operator === ','
    ? [...unionParts(expression.left), ...unionParts(expression.right)]
    : [expression]

/** Without what depends only on how somebody wrote it. */
const meaning = (member: Member): unknown => (member.kind === 'expression' ? bare(member.expression) : member)

const bare = (expression: Expression): unknown => {
  if (expression.kind !== 'operation') return { ...expression, text: '' }
  const { operator, left, right } = expression
  return operator === ',' ? joined(unionParts(expression)) : { operator, left: bare(left), right: bare(right) }
}

/** Parts of a union, names next to names as one list of them. */
const joined = (parts: readonly Expression[]): readonly unknown[] => {
  const together: unknown[] = []
  let names: Set<string> | undefined
  for (const part of parts) {
    if (part.kind !== 'names') {
      names = undefined
      together.push(bare(part))
      continue
    }
    if (!names) {
      names = new Set()
      together.push(names)
    }
    for (const name of part.names) names.add(name)
  }
  return together
}
