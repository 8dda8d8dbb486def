/** Targets of an expression, and which of them other expressions mean: who is who is decided for all of them together. */

import type { Expression } from '../nodeset/syntax/expression.ts'
import { dedupWithin } from './dedup.ts'
import { type ResolveOptions, resolve, type Selection } from './resolve.ts'
import type { Target } from './target.ts'
import type { Warehouse } from './warehouse.ts'

export interface Narrowed {
  readonly targets: readonly Target[]
  /** For each of the other expressions, those of the targets which it holds. */
  readonly within: readonly ReadonlySet<Target>[]
  /** See `Resolution.notices`. */
  readonly notices: readonly string[]
}

/** Asks the warehouses for all names at once. Throws as `resolve` does. */
export const resolveWithin = async (
  expression: Expression,
  others: readonly Expression[],
  warehouses: readonly Warehouse[],
  options: ResolveOptions,
): Promise<Narrowed> => {
  const together = others.reduce<Expression>(
    (left, right) => ({ kind: 'operation', operator: ',', left, right }),
    expression,
  )
  const { selection, groups, notices } = await resolve(together, warehouses, options)
  const parts: Selection[] = []
  let rest = selection
  for (let i = 0; i < others.length; i++) {
    const { left, right } = rest as Extract<Selection, { readonly kind: 'operation' }>
    parts.unshift(right)
    rest = left
  }
  return { ...dedupWithin(rest, parts, groups), notices }
}
