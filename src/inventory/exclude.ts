/** `-x`: what is typed to be left out, taken away from what is typed to be acted on. */
import type { Expression } from '../nodeset/syntax/expression.ts'

/** The expression without all of the others. */
export const exclude = (expression: Expression, others: readonly Expression[]): Expression =>
  others.reduce((left, right) => ({ kind: 'operation', operator: '!', left, right }), expression)
