/** `stoker run`: parse, resolve, dedup, schedule, report. */

import { StokerError } from '../../base/errors.ts'
import { holdYoungGeneration } from '../../base/young-generation.ts'
import { type ConfirmFlags, confirmed } from '../../cli/prompts/confirm.ts'
import type { Connector } from '../../connection/connection.ts'
import { sourcesIn } from '../../converge/materials.ts'
import { exitCode, report } from '../../report/report.ts'
import { standardSinks } from '../../report/sink.ts'
import { progress } from '../../report/views/progress.ts'
import { fileViews, streamViews, type ViewFlags } from '../../report/views/views.ts'
import type { Actor } from '../../run/actor.ts'
import { affordable } from '../../run/affordable-fanout.ts'
import { broadcast, hasInput } from '../../run/broadcast.ts'
import { type RollingFlags, rolling } from '../../run/rolling.ts'
import { runLock } from '../../run/run-lock.ts'
import { schedule } from '../../run/schedule.ts'
import { openSite } from '../../site/site.ts'
import { asWanted, BECOME_FLAGS, type BecomeFlags } from './become.ts'
import { onInterrupt } from './interrupt.ts'
import { type Again, keepRun, lasting } from './journalled-run.ts'
import { paceOf, REACH_FLAGS, type ReachFlags } from './pace.ts'
import { type TargetFlags, targetsOf } from './targets.ts'

/** What is to be done, as it was typed. */
export interface RunRequest {
  readonly action: string
  readonly targets: string
  /** What stands after `--`. */
  readonly words: readonly string[]
}

/** The options of `stoker run`; what is absent comes from the configuration. Times are in milliseconds. */
export interface RunFlags extends TargetFlags, ReachFlags, BecomeFlags, RollingFlags, ConfirmFlags, ViewFlags {
  /** Take no warehouse's copy for an answer. */
  readonly fresh?: boolean
  /** Not while another run of it is going on. */
  readonly lock?: boolean
  /** `false` for `-n`. */
  readonly stdin: boolean
  readonly worst?: boolean
  readonly check?: boolean
  /** Show differences of texts; of outputs, where the actor has no texts to change. */
  readonly diff?: boolean
  /** A run whose targets these are. */
  readonly again?: Again
}

/** Runs the action on the targets and returns the exit code; throws a `StokerError` when the run cannot start. */
export const run = async (request: RunRequest, flags: RunFlags): Promise<number> => {
  const sinks = standardSinks()
  const say = (text: string) => void sinks.stderr.write(`stoker: ${text}\n`)
  let status = () => 'starting: nothing runs yet'
  using interrupt = onInterrupt(() => status(), say)
  const io = { signal: AbortSignal.any([interrupt.signal, sinks.stdout.gone]) }

  try {
    await using site = await openSite(flags, say, io)
    const { actor, options } = await site.action(request.action, request.words)
    const targets = flags.again?.targets ?? (await targetsOf(request.targets, flags, site.warehouses, say, io))
    const lock = { action: request.action, expression: request.targets }
    await using _held = flags.lock && !flags.check ? await runLock(lock, io) : undefined
    const ask = flags.check ? { yes: true } : flags
    if (
      !(await confirmed(`run ${[request.action, ...request.words].join(' ')}`, targets, ask, site.defaults.confirm, io))
    )
      return 1
    const connector = await asWanted(await site.connector(), flags, site.config.become, io)
    if (actor.connects) await connector.prepare(targets, io)
    await using input = flags.stdin && hasInput() ? broadcast(process.stdin) : undefined
    holdYoungGeneration()
    const pace = await paceOf(flags, site.defaults)
    const sources = sourcesIn({ files: process.cwd(), templates: process.cwd(), confined: false })
    const tracker = progress(sinks, { total: targets.length })
    status = tracker.describe
    const files = await fileViews(flags, targets)
    const kept = flags.check
      ? undefined
      : keepRun({ ...told(request, flags), input: input !== undefined, targets }, say)
    const events = schedule(targets, actor, options, {
      ...io,
      ...pace,
      ...(kept && { begin: kept.begin }),
      moved: tracker.moved,
      fanout: affordable(pace.fanout, targets.length, descriptorsOf(actor, connector), say),
      materials: (target, reach, io) => {
        const facts = async () => (await import('../../converge/facts.ts')).gatherFacts(await reach(), io)
        return sources.materials(target, { facts }, io)
      },
      connector,
      rolling: rolling(flags, targets, flags.quiet ? () => {} : say),
      ...(input && { stdin: input.open }),
    })
    const compare = flags.compare || (flags.diff && !actor.convergent)
    const views = streamViews({ ...flags, ...(compare && { compare }) }, sinks)
    const result = await report(events, [...(kept ? [kept] : []), tracker, ...views, ...files])
    const code = interrupt.exitCode ?? exitCode(result, { worst: flags.worst === true, interrupted: false })
    kept?.close(code)
    return code
  } catch (thrown) {
    // Stopped before there was anything to report.
    if (interrupt.exitCode !== undefined && !(thrown instanceof StokerError)) return interrupt.exitCode
    throw thrown
  }
}

/** What the journal keeps of it. */
const told = ({ action, targets, words }: RunRequest, flags: RunFlags) => ({
  ...({ command: 'run', words: [action, ...words], expression: targets, again: flags.again } as const),
  flags: lasting(flags, LASTING),
})

const LASTING = [...REACH_FLAGS, ...BECOME_FLAGS, ...['serial', 'maxFail', 'retry', 'lock']]

const descriptorsOf = (actor: Actor, connector: Connector): number =>
  (actor.descriptors ?? 0) + (actor.connects ? connector.descriptors : 0)
