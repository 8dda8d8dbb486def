/** Plain expressions to names, without asking anyone. */
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import { combine } from './sets/algebra.ts'
import type { Expression } from './syntax/expression.ts'
import { parseExpression } from './syntax/parse.ts'

/**
 * The names which names, ranges and operators write out, each once, in the order written: `expand('n[3,1-2]!n2')` is
 * `n3 n1`. Throws `EXPRESSION` for what is wrong, and for groups, wildcards, files and queries, which need a warehouse.
 */
export const expand = (pattern: string): string[] => [...expandExpression(parseExpression(pattern))]

/** The same for a parsed expression. */
export const expandExpression = (expression: Expression): ReadonlySet<string> => {
  if (expression.kind === 'names') return new Set(expression.names)
  if (expression.kind === 'operation')
    return combine(expandExpression(expression.left), expression.operator, expandExpression(expression.right))
  throw new StokerError(
    'EXPRESSION',
    shown(expression.text),
    `${shown(expression.text)}: only plain names and ranges can be written here`,
  )
}
