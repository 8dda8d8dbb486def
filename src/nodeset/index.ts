/** The node-set language as a library: text and names in, names and text out. No I/O; groups come through `Groups`. */

export { type EvaluateOptions, type Evaluator, evaluator, type Names } from './evaluate.ts'
export { expand, expandExpression } from './expand.ts'
export { type FoldOptions, fold } from './fold.ts'
export type { Groups } from './groups.ts'
export { globMatcher, matchRegex } from './match.ts'
export { type Membership, memberships, type RegroupOptions, regroup } from './regroup.ts'
export { combine } from './sets/algebra.ts'
export type { Expression, Operator } from './syntax/expression.ts'
export { parseList } from './syntax/list.ts'
export { parseExpression } from './syntax/parse.ts'
export { unionOf } from './syntax/union.ts'
