/** How many resources ended how, per target. Pure. */

import type { Target } from '../inventory/target.ts'
import { RESOURCE_STATES, type ResourceState } from '../run/event.ts'

export type ResourceCounts = Readonly<Record<ResourceState, number>>

export interface ResourceCounter {
  add(target: Target, state: ResourceState): void
  /** The counts of a target which is done, which are forgotten then; `undefined` when it had no resources. */
  take(target: Target): ResourceCounts | undefined
}

export const resourceCounter = (): ResourceCounter => {
  const all = new Map<Target, Record<ResourceState, number>>()
  return {
    add(target, state) {
      const counts = all.get(target) ?? noCounts()
      all.set(target, counts)
      counts[state] += 1
    },
    take(target) {
      const counts = all.get(target)
      all.delete(target)
      return counts
    },
  }
}

/** The same for all targets together; `counts` is `undefined` while there are none. */
export const resourceTotals = () => {
  let counts: Record<ResourceState, number> | undefined
  return {
    add(state: ResourceState): void {
      counts ??= noCounts()
      counts[state] += 1
    },
    get counts(): ResourceCounts | undefined {
      return counts
    },
  }
}

const noCounts = (): Record<ResourceState, number> =>
  Object.fromEntries(RESOURCE_STATES.map(state => [state, 0])) as Record<ResourceState, number>
