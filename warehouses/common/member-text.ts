/** Members of a group which somebody outside wrote as a target expression. */
import { StokerError } from '../../src/base/errors.ts'
import { isNodeName, parseGroupName, shown } from '../../src/base/names.ts'
import type { Expression } from '../../src/nodeset/syntax/expression.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'

/**
 * The expression. Throws `WAREHOUSE_FAILED` naming what is wrong with it: it cannot be parsed, it has a name which is none,
 * or it wants a file of this machine (`^file`), which is for people at the command line only.
 */
export const parseMemberText = (text: string, group: string, warehouse: string): Expression => {
  const refuse = (why: string, cause?: unknown) => {
    const message = `warehouse ${warehouse}: group ${shown(group)} has the member ${shown(text)}: ${why}`
    return new StokerError('WAREHOUSE_FAILED', shown(text), message, { cause })
  }
  let expression: Expression
  try {
    expression = parseExpression(text)
    for (const name of groupNamesIn(expression)) parseGroupName(name)
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause)
  }
  for (const leaf of leavesOf(expression))
    if (leaf.kind === 'file') throw refuse('a warehouse cannot ask for a file of this machine')
  return expression
}

/** The operands, left to right. */
export function* leavesOf(expression: Expression): Generator<Exclude<Expression, { readonly kind: 'operation' }>> {
  if (expression.kind === 'operation') {
    yield* leavesOf(expression.left)
    yield* leavesOf(expression.right)
  } else yield expression
}

/** Names which have to be fit for a group, at least. */
function* groupNamesIn(expression: Expression): Generator<string> {
  for (const leaf of leavesOf(expression)) {
    if (leaf.kind === 'group' && leaf.name !== '*') yield leaf.name
    if (leaf.kind === 'names') yield* leaf.names.filter(name => !isNodeName(name))
  }
}
