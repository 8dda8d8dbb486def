/**
 * A policy and its targets -> a policy which is ready: everything that can be known before a target is touched has been
 * looked at, for every target. Works on this side only, so that the agent prepares what it was sent in the same way.
 */
import { setImmediate } from 'node:timers/promises'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Resource as Ready } from '../converge/convergent-actor.ts'
import { type Facts, TYPICAL_FACTS } from '../converge/facts.ts'
import { nodeValues } from '../converge/materials.ts'
import type { Target } from '../inventory/target.ts'
import { type Mask, maskOf } from './apply/mask.ts'
import { checkConditions } from './condition/check-names.ts'
import { holds, valueAt } from './condition/condition.ts'
import { type Preview, type Unit, Wisher } from './desired-state.ts'
import { errorAt, type Policy, type Resource } from './policy.ts'
import { type SharedValues, sharedValues } from './values.ts'

/** Which targets a target expression of the policy means, among those of the run. */
export type Narrowing = (expression: string, target: Target) => boolean

export interface PrepareOptions extends Abortable {
  /** Whom the policy is applied to. */
  readonly targets: readonly Target[]
  /** What templates see as `nodes`: also those which are left out this time. */
  readonly nodes: readonly Target[]
  readonly narrowing: Narrowing
  /** By name; see `readSecrets`. */
  readonly secrets: Readonly<Record<string, string>>
  /** Only resources with one of these tags; none: all. What they notify runs in any case. */
  readonly tags?: readonly string[]
  /** Not those with one of these. */
  readonly skipTags?: readonly string[]
}

export interface PreparedPolicy {
  readonly policy: Policy
  readonly mask: Mask
  /** Whether the policy wants this resource on the target, whatever its `when` says. */
  wants(resource: Resource, target: Target): boolean
  /** Whether `--tags` and `--skip-tags` let it run now. */
  selects(resource: Resource): boolean
  /** Whether facts are needed to know what is wanted on the target. */
  needsFacts(target: Target): boolean
  /** Whether its `when` holds; `undefined`: without facts this cannot be said. */
  holds(resource: Resource, target: Target, facts: Facts | undefined, item?: unknown): boolean | undefined
  /** The units of a resource on a target. */
  units(index: number, target: Target, facts: Facts | undefined): readonly Unit[]
  /** What the unit wishes for; `facts` as far as `needsFacts` asks for them. Throws `CONFIG` with the place. */
  wish(unit: Unit, target: Target, facts: Facts | undefined, io: Abortable): Promise<Ready>
  /** What the unit asks for, for people, with facts as good as they are. Throws nothing of the policy's. */
  preview(unit: Unit, target: Target, facts: Facts, io: Abortable): Promise<Preview>
}

/**
 * Checks the policy on every target: conditions, templates, options, source files. Throws `CONFIG` with file, line, column,
 * what is wrong and on which target. What hangs on facts is checked with typical ones.
 */
export const preparePolicy = async (policy: Policy, options: PrepareOptions): Promise<PreparedPolicy> => {
  const { targets, nodes, narrowing, secrets, tags = [], skipTags = [] } = options
  refuseUnknownTags(policy, [...tags, ...skipTags])
  const mask = maskOf(Object.values(secrets))
  const shared = sharedValues(policy.variables, secrets, nodes)
  const wisher = new Wisher(shared)
  const asking = new Set<Target>()

  const prepared: PreparedPolicy = {
    policy,
    mask,
    wants: (resource, target) => resource.targets.every(expression => narrowing(expression, target)),
    selects: ({ handler, tags: own }) =>
      (handler || tags.length === 0 || own.some(tag => tags.includes(tag))) && !own.some(tag => skipTags.includes(tag)),
    needsFacts: target => asking.has(target),
    holds: (resource, target, facts, item) =>
      resource.when === undefined ||
      holds(resource.when, {
        node: nodeValues(target),
        vars: shared.vars,
        ...(facts && { facts }),
        ...(resource.each && { item }),
      }),
    units: (index, target, facts) => unitsOf(policy, index, target, facts, shared),
    wish: (unit, target, facts, io) => wisher.wish(unit, target, async () => facts ?? noFacts(target), io),
    preview: (unit, target, facts, io) => wisher.preview(unit, target, async () => facts, io),
  }

  try {
    checkConditions(policy, targets)
    for (const target of targets) {
      const facts = async () => {
        asking.add(target)
        return TYPICAL_FACTS
      }
      // All of it is work of this program: between two targets it looks up, so that Ctrl-C counts.
      await setImmediate()
      options.signal.throwIfAborted()
      for (const [index, resource] of policy.entries.entries()) {
        if (resource.kind === 'flush' || !prepared.wants(resource, target)) continue
        if (resource.each?.[0] === 'facts') asking.add(target)
        for (const unit of prepared.units(index, target, TYPICAL_FACTS)) {
          const certain = prepared.holds(resource, target, undefined, unit.item)
          if (certain === undefined) asking.add(target)
          if (certain !== false) await wisher.wish(unit, target, facts, options)
        }
      }
    }
  } catch (thrown) {
    throw thrown instanceof StokerError ? mask.error(thrown) : thrown
  }
  return prepared
}

/** Whoever applies a policy asks `needsFacts` first. */
const noFacts = (target: Target): never => {
  throw new StokerError('INTERNAL', target.name, 'facts are used which were not gathered')
}

const unitsOf = (
  policy: Policy,
  index: number,
  target: Target,
  facts: Facts | undefined,
  { vars, nodes }: SharedValues,
): readonly Unit[] => {
  const resource = policy.entries[index]
  if (resource?.kind !== 'resource') return []
  if (!resource.each) return [{ resource, index, item: undefined }]
  const list = valueAt({ node: nodeValues(target), vars, nodes, facts }, resource.each)
  if (Array.isArray(list)) return list.map(item => ({ resource, index, item }))
  const what = list === undefined ? 'there is no such list' : 'it is no list'
  throw errorAt(resource.at, `${resource.each.join('.')}: ${what} (on ${target.name})`, { below: ['each'] })
}

/** A mistyped tag would choose nothing, and look like success. */
const refuseUnknownTags = ({ entries, file }: Policy, asked: readonly string[]): void => {
  const known = new Set(entries.flatMap(entry => (entry.kind === 'flush' ? [] : entry.tags)))
  const unknown = asked.find(tag => !known.has(tag))
  if (unknown === undefined) return
  throw new StokerError(
    'USAGE',
    unknown,
    `no resource of ${file} has the tag ${unknown} (tags: ${[...known].join(', ') || 'none'})`,
  )
}
