/** `stoker plan`: what a policy asks of each node; no target is touched, and no secret is read. */

import type { Abortable } from '../../base/abortable.ts'
import { harmlessLines } from '../../base/printable.ts'
import type { Target } from '../../inventory/target.ts'
import { fold } from '../../nodeset/fold.ts'
import { formatPlan } from '../../policy/format-plan.ts'
import { loadForTargets, type PolicyFlags, type PolicyRequest } from '../../policy/load-for-targets.ts'
import { preparePolicy } from '../../policy/prepare-policy.ts'
import { type PlannedResource, preview } from '../../policy/preview.ts'
import { standardSinks } from '../../report/sink.ts'
import { openSite, type Site } from '../../site/site.ts'
import { onInterrupt } from './interrupt.ts'

export interface PlanFlags extends PolicyFlags {
  readonly config?: string
  /** Take no warehouse's copy for an answer. */
  readonly fresh?: boolean
  readonly json?: boolean
}

/** Shows the plan and returns the exit code; throws a `StokerError` for what is wrong with the policy or its targets. */
export const plan = async (request: PolicyRequest, flags: PlanFlags): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const notify = (text: string) => void stderr.write(`stoker: ${text}\n`)
  using interrupt = onInterrupt(() => 'still planning', notify)
  const io = { signal: AbortSignal.any([interrupt.signal, stdout.gone]) }
  await using site = await openSite(flags, notify, io)
  const folded = folding()
  for await (const { target, planned } of plannedResources(request, flags, site, notify, io))
    if (flags.json) await stdout.write(`${JSON.stringify({ kind: 'planned', node: target.name, ...planned })}\n`)
    else folded.add(target, planned)
  for (const text of folded.texts()) await stdout.write(stdout.isTerminal ? harmlessLines(text) : text)
  await stdout.flush()
  return 0
}

/** What the policy asks of each target, one resource after the other; secrets stand there by their names. */
export async function* plannedResources(
  request: PolicyRequest,
  flags: PolicyFlags,
  site: Site,
  notify: (notice: string) => void,
  io: Abortable,
): AsyncGenerator<{ readonly target: Target; readonly planned: PlannedResource }, void, void> {
  const actors = { names: site.actors, actor: site.actor }
  const { policy, ...who } = await loadForTargets(request, flags, { ...site, actors }, notify, io)
  const secrets = Object.fromEntries([...policy.secrets.keys()].map(name => [name, `<secret.${name}>`]))
  const { tags = [], skipTags = [] } = flags
  const prepared = await preparePolicy(policy, { ...io, ...who, tags, skipTags, secrets })
  for (const target of who.targets) for await (const planned of preview(prepared, target, io)) yield { target, planned }
}

/** Equal resources of many targets once, in the order in which they are applied. */
const folding = () => {
  const groups = new Map<number, Map<string, { readonly planned: PlannedResource; readonly targets: Target[] }>>()
  return {
    add(target: Target, planned: PlannedResource): void {
      const same = groups.get(planned.place) ?? new Map()
      groups.set(planned.place, same)
      const key = JSON.stringify(planned)
      const group = same.get(key) ?? { planned, targets: [] }
      same.set(key, group)
      group.targets.push(target)
    },
    *texts(): Generator<string> {
      for (const [, same] of [...groups].sort(([a], [b]) => a - b))
        for (const { planned, targets } of same.values())
          yield `${fold(targets.map(({ name }) => name))}: ${formatPlan(planned)}`
    },
  }
}
