/** From a policy's path, and what is typed, to whom it is for: what push, preview, publishing and the agent have in common. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { exclude } from '../inventory/exclude.ts'
import { readList } from '../inventory/read-list.ts'
import { resolveWithin } from '../inventory/resolve-within.ts'
import type { Target } from '../inventory/target.ts'
import type { Warehouse } from '../inventory/warehouse.ts'
import type { Expression } from '../nodeset/syntax/expression.ts'
import { parseExpression } from '../nodeset/syntax/parse.ts'
import type { ActorLibrary } from '../run/actor.ts'
import { loadPolicy } from './file/load-policy.ts'
import { formatLocation, type Policy } from './policy.ts'
import type { Narrowing } from './prepare-policy.ts'

/** What is to be applied, as it was typed. */
export interface PolicyRequest {
  readonly policy: string
  /** Absent: whom the policy itself names. */
  readonly targets: string | undefined
}

export interface PolicyFlags {
  /** Expressions of those which are left out. */
  readonly exclude: readonly string[]
  readonly allowUnknown?: boolean
  /** `--limit`: only those of the targets which this expression means. */
  readonly limit?: string
  readonly tags?: readonly string[]
  readonly skipTags?: readonly string[]
}

/** Who is asked. */
export interface PolicySite {
  readonly warehouses: readonly Warehouse[]
  readonly actors: ActorLibrary
  /** The expression for all there are, where a policy without `targets:` is for everybody. */
  readonly everyone?: string
}

export interface LoadedPolicy {
  readonly policy: Policy
  /** Whom it is applied to. */
  readonly targets: readonly Target[]
  /** Those, and the ones which `--limit` leaves out. */
  readonly nodes: readonly Target[]
  readonly narrowing: Narrowing
}

/** Reads the policy, then asks who its targets are. Throws a `StokerError` for what is wrong with either. */
export const loadForTargets = async (
  request: PolicyRequest,
  flags: PolicyFlags,
  { warehouses, actors, everyone }: PolicySite,
  warn: (notice: string) => void,
  io: Abortable,
): Promise<LoadedPolicy> => {
  const policy = await loadPolicy(request.policy, actors, io)
  const text = request.targets ?? policy.targets ?? everyone
  if (text === undefined)
    throw new StokerError(
      'USAGE',
      policy.file,
      `${policy.file} names no targets: type them after the policy, or give it a targets: at its top`,
    )
  const expression = exclude(parseExpression(text), flags.exclude.map(parseExpression))
  const limit = flags.limit === undefined ? [] : [parseExpression(flags.limit)]
  const narrowing = narrowingsOf(policy)
  const others = [...limit, ...narrowing.values().map(({ expression }) => expression)]
  const options = { ...io, allowUnknown: flags.allowUnknown === true, readList }
  const found = await resolveWithin(expression, others, warehouses, options).catch(async thrown => {
    for (const { expression, location } of narrowing.values())
      await resolveWithin(expression, [], warehouses, options).catch(cause => {
        throw placed(cause, location)
      })
    throw thrown
  })
  for (const notice of found.notices) warn(notice)
  const targets = limit.length === 0 ? found.targets : [...(found.within[0] ?? [])]
  if (targets.length === 0)
    warn(`no targets: ${text}${limit.length > 0 ? ` with --limit ${flags.limit}` : ''} has no members left`)
  const held = new Map([...narrowing.keys()].map((key, i) => [key, found.within[limit.length + i]]))
  return { policy, targets, nodes: found.targets, narrowing: (key, target) => held.get(key)?.has(target) === true }
}

/** The target expressions of resources, each once, with where it stands. */
const narrowingsOf = (
  policy: Policy,
): ReadonlyMap<string, { readonly expression: Expression; readonly location: string }> => {
  const found = new Map<string, { readonly expression: Expression; readonly location: string }>()
  for (const entry of policy.entries) {
    if (entry.kind === 'flush') continue
    for (const text of entry.targets) {
      if (found.has(text)) continue
      const location = formatLocation({ ...entry.at, path: [...entry.at.path, 'targets'] })
      try {
        found.set(text, { expression: parseExpression(text), location })
      } catch (thrown) {
        throw placed(thrown, location)
      }
    }
  }
  return found
}

const placed = (thrown: unknown, location: string): unknown =>
  thrown instanceof StokerError
    ? new StokerError(thrown.code, thrown.subject, `${location}: targets: ${thrown.message}`, { cause: thrown })
    : thrown
