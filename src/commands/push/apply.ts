/** `stoker apply`: a policy on its targets: load, resolve, prepare, and push. */
import { resolve } from 'node:path'
import { sourcesIn } from '../../converge/materials.ts'
import { policyActor } from '../../policy/apply/apply-policy.ts'
import { loadForTargets, type PolicyFlags, type PolicyRequest } from '../../policy/load-for-targets.ts'
import { preparePolicy } from '../../policy/prepare-policy.ts'
import { readSecrets } from '../../policy/read-secrets.ts'
import type { View } from '../../report/report.ts'
import type { Sinks } from '../../report/sink.ts'
import { json } from '../../report/views/json.ts'
import { lines } from '../../report/views/lines.ts'
import { resources } from '../../report/views/resources.ts'
import { summary } from '../../report/views/summary.ts'
import { keptFlags } from './kept-flags.ts'
import { type PushFlags, push } from './push.ts'

/** The options of `stoker apply`; what is absent comes from the configuration. Times are in milliseconds. */
export interface ApplyFlags extends PolicyFlags, PushFlags {
  readonly showSecrets?: boolean
  readonly json?: boolean
}

/** Applies the policy and returns the exit code; throws a `StokerError` when nothing was touched because something is wrong. */
export const apply = (request: PolicyRequest, flags: ApplyFlags): Promise<number> =>
  push(flags, async (site, notify, io) => {
    const library = { names: site.actors, actor: site.actor }
    const { policy, ...who } = await loadForTargets(request, flags, { ...site, actors: library }, notify, io)
    const secrets = await readSecrets(policy, io)
    const prepared = await preparePolicy(policy, { ...io, ...who, ...tagsOf(flags), secrets })
    const expression = request.targets ?? ''
    return {
      title: `apply ${request.policy}`,
      targets: who.targets,
      actor: policyActor(prepared, { showSecrets: flags.showSecrets === true }),
      options: undefined,
      lock: { action: resolve(request.policy), expression },
      materials: (target, _, io) => NO_SOURCES.materials(target, {}, io),
      takesInput: false,
      kept: { command: 'apply', words: [request.policy], expression, flags: keptFlags('apply', flags) },
      views: sinks => views(flags, sinks),
    }
  })

/** The policy's own actor reads its sources by itself. */
const NO_SOURCES = sourcesIn({ files: '/dev/null', templates: '/dev/null', confined: true })

const tagsOf = ({ tags, skipTags }: PolicyFlags) => ({ ...(tags && { tags }), ...(skipTags && { skipTags }) })

const views = (flags: ApplyFlags, sinks: Sinks): readonly View[] => {
  if (flags.json) return [json(sinks.stdout)]
  const [verbose, quiet] = [flags.verbose === true, flags.quiet === true]
  return [
    lines(sinks, { label: true }),
    resources(sinks, { apply: !flags.check, verbose, quiet }),
    summary(sinks.stderr, { verbose, quiet }),
  ]
}
