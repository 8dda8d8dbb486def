/** Names in conditions which nobody has. Pure. */

import { nearest } from '../../base/nearest.ts'
import { TYPICAL_FACTS } from '../../converge/facts.ts'
import { nodeValues } from '../../converge/materials.ts'
import type { Target } from '../../inventory/target.ts'
import { errorAt, type Policy } from '../policy.ts'
import { namesIn, valueAt } from './condition.ts'

/**
 * Facts and variables are the same everywhere, so a name among them which is not there is wrong. Attributes differ from node
 * to node: one which no target has is wrong only when it looks like one which some have. Throws `CONFIG` with the location.
 */
export const checkConditions = (policy: Policy, targets: readonly Target[]): void => {
  for (const entry of policy.entries) {
    if (entry.kind === 'flush' || !entry.when) continue
    for (const name of namesIn(entry.when)) {
      const problem = problemOf(name, policy, targets)
      if (problem !== undefined) throw errorAt(entry.at, `${name.join('.')}: ${problem}`, { below: ['when'] })
    }
  }
}

const problemOf = (name: readonly string[], policy: Policy, targets: readonly Target[]): string | undefined => {
  const [root = '', ...path] = name
  if (root === 'facts') return missing(name, 1, { facts: TYPICAL_FACTS })
  if (root === 'vars') return missing(name, 1, { vars: policy.variables })
  if (root !== 'node') return undefined
  if (path[0] !== 'vars') return targets[0] && missing(name, 1, { node: nodeValues(targets[0]) })
  if (targets.length === 0 || targets.some(target => valueAt(target.vars, path.slice(1)) !== undefined))
    return undefined
  const known = new Set(targets.flatMap(target => Object.keys(target.vars)))
  const near = nearest(path[1] ?? '', known, 1)[0]
  return near === undefined || known.has(path[1] ?? '') ? undefined : `no node has it; did you mean node.vars.${near}?`
}

/** What is wrong with the first step of the name, from `at` on, which is not there. */
const missing = (name: readonly string[], at: number, values: object): string | undefined => {
  const inside = valueAt(values, name.slice(0, at))
  const step = name[at]
  if (step === undefined) return undefined
  if (valueAt(inside, [step]) !== undefined) return missing(name, at + 1, values)
  const known = typeof inside === 'object' && inside !== null ? Object.keys(inside) : []
  const start = name.slice(0, at).join('.')
  const near = nearest(step, known, 1)[0]
  const hint = near === undefined ? '' : `; did you mean ${start}.${near}?`
  return `there is no such name${hint}${known.length > 0 ? ` (${start} has: ${known.join(', ')})` : ''}`
}
