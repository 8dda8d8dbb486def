/** `stoker apply`: a policy on its targets: load, resolve, prepare, schedule, report. */

import { resolve } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import { holdYoungGeneration } from '../../base/young-generation.ts'
import { type ConfirmFlags, confirmed } from '../../cli/prompts/confirm.ts'
import { sourcesIn } from '../../converge/materials.ts'
import { policyActor } from '../../policy/apply/apply.ts'
import { loadForTargets, type PolicyFlags, type PolicyRequest } from '../../policy/for-targets.ts'
import { preparePolicy } from '../../policy/prepare.ts'
import { readSecrets } from '../../policy/secrets.ts'
import { exitCode, report, type View } from '../../report/report.ts'
import { type Sinks, standardSinks } from '../../report/sink.ts'
import { json } from '../../report/views/json.ts'
import { lines } from '../../report/views/lines.ts'
import { progress } from '../../report/views/progress.ts'
import { resources } from '../../report/views/resources.ts'
import { summary } from '../../report/views/summary.ts'
import { fileViews } from '../../report/views/views.ts'
import { affordable } from '../../run/affordable-fanout.ts'
import { type RollingFlags, rolling } from '../../run/rolling.ts'
import { runLock } from '../../run/run-lock.ts'
import { schedule } from '../../run/schedule.ts'
import { openSite } from '../../site/site.ts'
import { asWanted, BECOME_FLAGS, type BecomeFlags } from './become.ts'
import { onInterrupt } from './interrupt.ts'
import { type Again, keepRun, lasting } from './journalled-run.ts'
import { paceOf, REACH_FLAGS, type ReachFlags } from './pace.ts'

/** The options of `stoker apply`; what is absent comes from the configuration. Times are in milliseconds. */
export interface ApplyFlags extends PolicyFlags, ReachFlags, BecomeFlags, RollingFlags, ConfirmFlags {
  /** Take no warehouse's copy for an answer. */
  readonly fresh?: boolean
  /** Not while another run of it is going on. */
  readonly lock?: boolean
  readonly check?: boolean
  readonly diff?: boolean
  readonly showSecrets?: boolean
  readonly json?: boolean
  readonly jsonFile?: string
  readonly verbose?: boolean
  readonly quiet?: boolean
  /** A run which this one goes on with; its targets are in `limit`. */
  readonly again?: Again
}

/** Applies the policy and returns the exit code; throws a `StokerError` when nothing was touched because something is wrong. */
export const apply = async (request: PolicyRequest, flags: ApplyFlags): Promise<number> => {
  const sinks = standardSinks()
  const say = (text: string) => void sinks.stderr.write(`stoker: ${text}\n`)
  let status = () => 'starting: nothing runs yet'
  using interrupt = onInterrupt(() => status(), say)
  const io = { signal: AbortSignal.any([interrupt.signal, sinks.stdout.gone]) }

  try {
    await using site = await openSite(flags, say, io)
    const { policy, ...who } = await loadForTargets(
      request,
      flags,
      { ...site, actors: { names: site.actors, actor: site.actor } },
      say,
      io,
    )
    const secrets = await readSecrets(policy, io)
    const prepared = await preparePolicy(policy, { ...io, ...who, ...tagsOf(flags), secrets })
    const { targets } = who
    const lock = { action: resolve(request.policy), expression: request.targets ?? '' }
    await using _held = flags.lock && !flags.check ? await runLock(lock, io) : undefined
    const ask = flags.check ? { yes: true } : flags
    if (!(await confirmed(`apply ${request.policy}`, targets, ask, site.defaults.confirm, io))) return 1
    const connector = await asWanted(await site.connector(), flags, site.config.become, io)
    await connector.prepare(targets, io)
    holdYoungGeneration()
    const pace = await paceOf(flags, site.defaults)
    const tracker = progress(sinks, { total: targets.length })
    status = tracker.describe
    const actor = policyActor(prepared, { showSecrets: flags.showSecrets === true })
    const files = await fileViews(flags, targets)
    const kept = flags.check ? undefined : keepRun({ ...told(request, flags), input: false, targets }, say)
    const events = schedule(targets, actor, undefined, {
      ...io,
      ...pace,
      ...(kept && { begin: kept.begin }),
      fanout: affordable(pace.fanout, targets.length, connector.descriptors, say),
      materials: (target, _, io) => NO_SOURCES.materials(target, {}, io),
      connector,
      rolling: rolling(flags, targets, flags.quiet ? () => {} : say),
    })
    const result = await report(events, [...(kept ? [kept] : []), tracker, ...views(flags, sinks), ...files])
    const code = interrupt.exitCode ?? exitCode(result, { worst: false, interrupted: false })
    kept?.close(code)
    return code
  } catch (thrown) {
    // Stopped before there was anything to report.
    if (interrupt.exitCode !== undefined && !(thrown instanceof StokerError)) return interrupt.exitCode
    throw thrown
  }
}

/** What the journal keeps of it. */
const told = ({ policy, targets = '' }: PolicyRequest, flags: ApplyFlags) => ({
  ...({ command: 'apply', words: [policy], expression: targets, again: flags.again } as const),
  flags: lasting(flags, LASTING),
})

const LASTING = [
  ...REACH_FLAGS,
  ...['exclude', 'allowUnknown', 'tags', 'skipTags'],
  ...BECOME_FLAGS,
  ...['serial', 'maxFail', 'retry', 'lock'],
]

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
