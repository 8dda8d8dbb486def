/** The desired state of one target: the instances of each resource, and what each means, worked out once. */
import type { Abortable } from '../base/abortable.ts'
import type { DesiredResource } from '../converge/convergent-actor.ts'
import type { Facts } from '../converge/facts.ts'
import type { Target } from '../inventory/target.ts'
import type { Resource } from './policy.ts'
import type { PreparedPolicy } from './prepare-policy.ts'
import type { ResourceInstance } from './resource-compiler.ts'

export class DesiredState {
  readonly #prepared: PreparedPolicy
  readonly #target: Target
  readonly #io: Abortable
  readonly #instances = new Map<number, readonly ResourceInstance[]>()
  readonly #desired = new Map<ResourceInstance, Promise<DesiredResource>>()
  /** Has to be set before anything is asked which needs them. */
  facts: Facts | undefined

  constructor(prepared: PreparedPolicy, target: Target, io: Abortable) {
    this.#prepared = prepared
    this.#target = target
    this.#io = io
  }

  /** The resource of an index which is known to be one's. */
  resource(index: number): Resource {
    return this.#prepared.policy.entries[index] as Resource
  }

  /** Whether the resource is for this target, whatever its `when` says. */
  isApplicable(index: number): boolean {
    return this.#prepared.appliesTo(this.resource(index), this.#target)
  }

  /** Whether it is, and is chosen. */
  isSelected(index: number): boolean {
    return this.isApplicable(index) && this.#prepared.isSelected(this.resource(index))
  }

  /** The instances of a resource whose `when` holds. */
  instances(index: number): readonly ResourceInstance[] {
    const known = this.#instances.get(index)
    if (known) return known
    const resource = this.resource(index)
    const instances = this.#prepared
      .instances(index, this.#target, this.facts)
      .filter(({ item }) => this.#prepared.holds(resource, this.#target, this.facts, item))
    this.#instances.set(index, instances)
    return instances
  }

  /** Throws `CONFIG`, each time it is asked. */
  desired(instance: ResourceInstance): Promise<DesiredResource> {
    const known = this.#desired.get(instance)
    if (known) return known
    const desired = this.#prepared.compile(instance, this.#target, this.facts, this.#io)
    desired.catch(() => {}) // reported when it is the instance's turn
    this.#desired.set(instance, desired)
    return desired
  }

  /** The ids of those which a change of this resource calls, and which are for this target. */
  notified(index: number): readonly string[] {
    return this.resource(index).calls.flatMap(called =>
      this.isApplicable(called) && this.instances(called).length > 0 ? [this.resource(called).id] : [],
    )
  }
}
