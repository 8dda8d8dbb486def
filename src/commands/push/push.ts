/** What `run` and `apply` have in common: open the site, ask, lock, schedule, report, and what the journal keeps of it. */
import { StokerError } from '../../base/errors.ts'
import { holdYoungGeneration } from '../../base/young-generation.ts'
import { type ConfirmFlags, confirmed } from '../../cli/prompts/confirm.ts'
import type { Connector } from '../../connection/connection.ts'
import type { Target } from '../../inventory/target.ts'
import type { RunHead } from '../../journal/entries.ts'
import { exitCode, report, type View } from '../../report/report.ts'
import { type Sinks, standardSinks } from '../../report/sink.ts'
import type { Report } from '../../report/tally.ts'
import { progress } from '../../report/views/progress.ts'
import { fileViews } from '../../report/views/views.ts'
import type { Actor } from '../../run/actor.ts'
import { affordable } from '../../run/affordable-fanout.ts'
import { broadcast, hasInput } from '../../run/broadcast.ts'
import { type RollingFlags, rolling } from '../../run/rolling.ts'
import { type Locked, runLock } from '../../run/run-lock.ts'
import { type Schedule, schedule } from '../../run/schedule.ts'
import { openSite, type Site } from '../../site/site.ts'
import { type BecomeFlags, becomeConnector } from './become.ts'
import { onInterrupt, type Presses } from './interrupt.ts'
import { keepRun, type RerunOf } from './journalled-run.ts'
import { checkSources, environmentOf, needInput } from './needs.ts'
import { paceOf, type ReachFlags } from './pace.ts'

/** The options of every push; what is absent comes from the configuration. Times are in milliseconds. */
export interface PushFlags extends ReachFlags, BecomeFlags, RollingFlags, ConfirmFlags {
  /** Take no warehouse's copy for an answer. */
  readonly fresh?: boolean
  /** Not while another run of it is going on. */
  readonly lock?: boolean
  readonly check?: boolean
  readonly diff?: boolean
  readonly outdir?: string
  readonly jsonFile?: string
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly worst?: boolean
  /** The run which this one repeats. */
  readonly rerunOf?: RerunOf
}

/** What is to be done on whom, once the site has been asked. */
export interface Prepared<O = unknown> {
  /** As a person reads it who is asked whether to go on: `run shell uptime`. */
  readonly title: string
  readonly targets: readonly Target[]
  readonly actor: Actor<O>
  readonly options: O
  /** What may not go on twice at once, with `--lock`. */
  readonly lock: Locked
  readonly materials: Schedule['materials']
  /** Whether what is piped into the program is for the targets. */
  readonly takesInput: boolean
  /** How the journal has it. */
  readonly kept: Pick<RunHead, 'command' | 'words' | 'expression' | 'flags'>
  /** What is shown of it, beside progress and files. */
  readonly views: (sinks: Sinks) => readonly View[]
}

/** Tells the person at standard error. */
export type Notify = (notice: string) => void

/** How a push speaks and ends. */
export interface Manner {
  /** Stands before each notice. */
  readonly name: string
  /** What Ctrl-C does; absent: it asks before it stops. */
  readonly presses?: Presses
  /** Whether a terminal shows how far the run is. */
  readonly status: boolean
  /** `interrupted`: the exit code of the signal which stopped the run. */
  readonly exitCode: (result: Report, interrupted: number | undefined) => number
}

/**
 * Opens the site, has `prepare` say what is to be done, does it, and returns the exit code. Throws a `StokerError` when it
 * cannot start: then nothing was touched. `manner`: absent, as `stoker` itself has it.
 */
export const push = async <O>(
  flags: PushFlags,
  prepare: (site: Site, notify: Notify, io: { readonly signal: AbortSignal }) => Promise<Prepared<O>>,
  manner: Manner = stokerManner(flags),
): Promise<number> => {
  const sinks = standardSinks()
  const notify = (text: string) => void sinks.stderr.write(`${manner.name}: ${text}\n`)
  let status = () => 'starting: nothing runs yet'
  using interrupt = onInterrupt(() => status(), notify, manner.presses)
  const io = { signal: AbortSignal.any([interrupt.signal, sinks.stdout.gone]) }

  try {
    await using site = await openSite(flags, notify, io)
    const { actor, options, targets, ...prepared } = await prepare(site, notify, io)
    const apply = !flags.check
    await checkSources(actor.sources?.(options) ?? [], flags.rerunOf, notify)
    const takesInput = prepared.takesInput && actor.takesInput !== false
    await using input = takesInput && hasInput() ? broadcast(process.stdin) : undefined
    if (takesInput && flags.rerunOf?.hadInput) await needInput(input, flags.rerunOf, io)
    await using _held = flags.lock && apply ? await runLock(prepared.lock, io) : undefined
    if (apply && !(await confirmed(prepared.title, targets, flags, site.defaults.confirm, io))) return 1
    const connector = await becomeConnector(await site.connector(), flags, site.config.become, io)
    if (actor.connects) await connector.prepare(targets, io)
    holdYoungGeneration()
    const pace = await paceOf(flags, site.defaults)
    const tracker = progress(manner.status ? sinks : { ...sinks, hasStatus: false }, { total: targets.length })
    status = tracker.describe
    const files = await fileViews(flags, targets)
    const environment = environmentOf(actor)
    const head = { ...prepared.kept, targets, environment, input: input !== undefined, rerunOf: flags.rerunOf }
    const journal = apply ? keepRun(head, notify) : undefined
    const events = schedule(targets, actor, options, {
      ...io,
      ...pace,
      ...(journal && { begin: journal.begin }),
      moved: tracker.moved,
      fanout: affordable(pace.fanout, targets.length, descriptorsOf(actor, connector), notify),
      materials: prepared.materials,
      connector,
      rolling: rolling(flags, targets, flags.quiet ? () => {} : notify),
      ...(input && { stdin: input.open }),
    })
    const result = await report(events, [...(journal ? [journal] : []), tracker, ...prepared.views(sinks), ...files])
    const code = manner.exitCode(result, interrupt.exitCode)
    journal?.close(code, input?.wasEmpty)
    return code
  } catch (thrown) {
    // Stopped before there was anything to report.
    if (interrupt.exitCode !== undefined && !(thrown instanceof StokerError)) return interrupt.exitCode
    throw thrown
  }
}

const stokerManner = ({ worst }: PushFlags): Manner => ({
  name: 'stoker',
  status: true,
  exitCode: (result, interrupted) => interrupted ?? exitCode(result, { worst: worst === true, interrupted: false }),
})

const descriptorsOf = <O>(actor: Actor<O>, connector: Connector): number =>
  (actor.descriptors ?? 0) + (actor.connects ? connector.descriptors : 0)
