/** A policy, prepared for the nodes of a VO as each of them will prepare it. */
import type { Abortable } from '../../base/abortable.ts'
import type { Target } from '../../inventory/target.ts'
import { type LoadedPolicy, loadForTargets } from '../../policy/load-for-targets.ts'
import { type PreparedPolicy, preparePolicy } from '../../policy/prepare-policy.ts'
import type { ActorLibrary } from '../../run/actor.ts'
import { ALL, type Roster, rosterWarehouse } from '../client/roster.ts'

export interface PreparedFor extends LoadedPolicy {
  readonly prepared: PreparedPolicy
}

/**
 * `only`: for these nodes alone, where the others are there to be spoken of. `secrets`: reads those of the policy, or says what stands for them. Throws `CONFIG`
 * with the first thing that is wrong, and on which node.
 */
export const prepareFor = async (
  policy: string,
  known: Roster,
  actors: ActorLibrary,
  secrets: (loaded: LoadedPolicy) => Promise<Readonly<Record<string, string>>>,
  say: (notice: string) => void,
  io: Abortable,
  only: (target: Target) => boolean = () => true,
): Promise<PreparedFor> => {
  await using roster = rosterWarehouse('pulley', async () => known)
  const site = { warehouses: [roster], actors, everyone: `@${ALL}` }
  const loaded = await loadForTargets({ policy, targets: undefined }, { exclude: [] }, site, say, io)
  const values = await secrets(loaded)
  const { nodes: all, narrowing } = loaded
  const targets = loaded.targets.filter(only)
  return {
    ...loaded,
    targets,
    prepared: await preparePolicy(loaded.policy, { targets, nodes: all, narrowing, secrets: values, ...io }),
  }
}
