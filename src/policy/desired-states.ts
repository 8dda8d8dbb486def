/** What a policy wishes for on one target: the units of each resource, and what each wants, worked out once. */
import type { Abortable } from '../base/abortable.ts'
import type { Resource as Ready } from '../converge/convergent-actor.ts'
import type { Facts } from '../converge/facts.ts'
import type { Target } from '../inventory/target.ts'
import type { Unit } from './desired-state.ts'
import type { Resource } from './policy.ts'
import type { PreparedPolicy } from './prepare.ts'

export class Wishes {
  readonly #prepared: PreparedPolicy
  readonly #target: Target
  readonly #io: Abortable
  readonly #units = new Map<number, readonly Unit[]>()
  readonly #ready = new Map<Unit, Promise<Ready>>()
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
  isWanted(index: number): boolean {
    return this.#prepared.wants(this.resource(index), this.#target)
  }

  /** Whether it is, and is chosen. */
  hasTurn(index: number): boolean {
    return this.isWanted(index) && this.#prepared.selects(this.resource(index))
  }

  /** The units of a resource whose `when` holds. */
  units(index: number): readonly Unit[] {
    const known = this.#units.get(index)
    if (known) return known
    const resource = this.resource(index)
    const units = this.#prepared
      .units(index, this.#target, this.facts)
      .filter(({ item }) => this.#prepared.holds(resource, this.#target, this.facts, item))
    this.#units.set(index, units)
    return units
  }

  /** Throws `CONFIG`, each time it is asked. */
  wish(unit: Unit): Promise<Ready> {
    const known = this.#ready.get(unit)
    if (known) return known
    const wish = this.#prepared.wish(unit, this.#target, this.facts, this.#io)
    wish.catch(() => {}) // told when it is the unit's turn
    this.#ready.set(unit, wish)
    return wish
  }

  /** The ids of those which a change of this resource calls, and which are for this target. */
  calls(index: number): readonly string[] {
    return this.resource(index).calls.flatMap(called =>
      this.isWanted(called) && this.units(called).length > 0 ? [this.resource(called).id] : [],
    )
  }
}
