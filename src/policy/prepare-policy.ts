/**
 * A policy and its targets -> a policy which is ready: everything that can be known before a target is touched has been
 * checked, for every target. Works on this side only, so that the agent prepares what it was sent in the same way.
 */
import { setImmediate } from 'node:timers/promises'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { DesiredResource } from '../converge/convergent-actor.ts'
import { type Facts, TYPICAL_FACTS } from '../converge/facts.ts'
import { nodeValues } from '../converge/materials.ts'
import type { Target } from '../inventory/target.ts'
import { type Mask, maskOf } from './apply/mask.ts'
import { checkConditions } from './condition/check-conditions.ts'
import { holds, valueAt } from './condition/condition.ts'
import { errorAt, type Policy, type Resource } from './policy.ts'
import { ResourceCompiler, type ResourceInstance, type ResourcePreview } from './resource-compiler.ts'
import { type SharedValues, sharedValues } from './shared-values.ts'

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
  appliesTo(resource: Resource, target: Target): boolean
  /** Whether `--tags` and `--skip-tags` let it run now. */
  isSelected(resource: Resource): boolean
  /** Whether facts are needed to know what is wanted on the target. */
  needsFacts(target: Target): boolean
  /** Whether its `when` holds; `undefined`: without facts this cannot be said. */
  holds(resource: Resource, target: Target, facts: Facts | undefined, item?: unknown): boolean | undefined
  /** The instances of a resource on a target. */
  instances(index: number, target: Target, facts: Facts | undefined): readonly ResourceInstance[]
  /** What the instance means; `facts` as far as `needsFacts` asks for them. Throws `CONFIG` with the location. */
  compile(instance: ResourceInstance, target: Target, facts: Facts | undefined, io: Abortable): Promise<DesiredResource>
  /** The instance's options, for people, with facts as good as they are. Throws nothing of the policy's. */
  preview(instance: ResourceInstance, target: Target, facts: Facts, io: Abortable): Promise<ResourcePreview>
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
  const compiler = new ResourceCompiler(shared)
  const factsNeeded = new Set<Target>()

  const prepared: PreparedPolicy = {
    policy,
    mask,
    appliesTo: (resource, target) => resource.targets.every(expression => narrowing(expression, target)),
    isSelected: ({ handler, tags: own }) =>
      (handler || tags.length === 0 || own.some(tag => tags.includes(tag))) && !own.some(tag => skipTags.includes(tag)),
    needsFacts: target => factsNeeded.has(target),
    holds: (resource, target, facts, item) =>
      resource.when === undefined ||
      holds(resource.when, {
        node: nodeValues(target),
        vars: shared.vars,
        ...(facts && { facts }),
        ...(resource.each && { item }),
      }),
    instances: (index, target, facts) => instancesOf(policy, index, target, facts, shared),
    compile: (instance, target, facts, io) =>
      compiler.compile(instance, target, async () => facts ?? missingFacts(target), io),
    preview: (instance, target, facts, io) => compiler.preview(instance, target, async () => facts, io),
  }

  try {
    checkConditions(policy, targets)
    for (const target of targets) {
      const facts = async () => {
        factsNeeded.add(target)
        return TYPICAL_FACTS
      }
      // All of it is work of this program: between two targets it yields, so that Ctrl-C counts.
      await setImmediate()
      options.signal.throwIfAborted()
      for (const [index, resource] of policy.entries.entries()) {
        if (resource.kind === 'flush' || !prepared.appliesTo(resource, target)) continue
        if (resource.each?.[0] === 'facts') factsNeeded.add(target)
        for (const instance of prepared.instances(index, target, TYPICAL_FACTS)) {
          const certain = prepared.holds(resource, target, undefined, instance.item)
          if (certain === undefined) factsNeeded.add(target)
          if (certain !== false) await compiler.compile(instance, target, facts, options)
        }
      }
    }
  } catch (thrown) {
    throw thrown instanceof StokerError ? mask.error(thrown) : thrown
  }
  return prepared
}

/** Whoever applies a policy asks `needsFacts` first. */
const missingFacts = (target: Target): never => {
  throw new StokerError('INTERNAL', target.name, 'facts are used which were not gathered')
}

const instancesOf = (
  policy: Policy,
  index: number,
  target: Target,
  facts: Facts | undefined,
  { vars, nodes }: SharedValues,
): readonly ResourceInstance[] => {
  const resource = policy.entries[index]
  if (resource?.kind !== 'resource') return []
  if (!resource.each) return [{ resource, index, item: undefined }]
  const list = valueAt({ node: nodeValues(target), vars, nodes, facts }, resource.each)
  if (Array.isArray(list)) return list.map(item => ({ resource, index, item }))
  const what = list === undefined ? 'there is no such list' : 'it is no list'
  throw errorAt(resource.at, `${resource.each.join('.')}: ${what} (on ${target.name})`, { below: ['each'] })
}

/** A mistyped tag would choose nothing, and look like success. */
const refuseUnknownTags = ({ entries, file }: Policy, requested: readonly string[]): void => {
  const known = new Set(entries.flatMap(entry => (entry.kind === 'flush' ? [] : entry.tags)))
  const unknown = requested.find(tag => !known.has(tag))
  if (unknown === undefined) return
  throw new StokerError(
    'USAGE',
    unknown,
    `no resource of ${file} has the tag ${unknown} (tags: ${[...known].join(', ') || 'none'})`,
  )
}
