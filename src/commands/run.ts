/** `stoker run`: parse, resolve, dedup, schedule, report. */
import { broadcast, hasInput } from '../broadcast.ts'
import { dedup } from '../dedup.ts'
import { exclude } from '../exclude.ts'
import { parseExpression } from '../nodeset/parse.ts'
import { readList } from '../read-list.ts'
import { folded } from '../report/folded.ts'
import { json } from '../report/json.ts'
import { lines } from '../report/lines.ts'
import { progress } from '../report/progress.ts'
import { exitCode, report, type View } from '../report/report.ts'
import { standardSinks } from '../report/sink.ts'
import { summary } from '../report/summary.ts'
import { resolve } from '../resolve.ts'
import { schedule } from '../schedule.ts'
import { affordable, openFileLimit } from '../window.ts'
import { here, wire } from '../wire.ts'
import { onInterrupt } from './interrupt.ts'

/** What is to be done, as it was typed. */
export interface RunRequest {
  readonly action: string
  readonly targets: string
  /** What stands after `--`. */
  readonly words: readonly string[]
}

/** The options of `stoker run`; what is absent comes from the configuration. Times are in milliseconds. */
export interface RunFlags {
  readonly config?: string
  readonly exclude: readonly string[]
  readonly allowUnknown?: boolean
  readonly fanout?: number
  readonly connectTimeout?: number
  readonly commandTimeout?: number
  readonly connectRate?: number
  readonly user?: string
  readonly identity: readonly string[]
  readonly hostKeys?: 'strict' | 'accept-new'
  /** `false` for `-n`. */
  readonly stdin: boolean
  readonly fold?: boolean
  /** `false` for `-N`. */
  readonly label: boolean
  readonly worst?: boolean
  readonly check?: boolean
  readonly json?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
}

/** Runs the action on the targets and returns the exit code; throws a `StokerError` when the run cannot start. */
export const run = async (request: RunRequest, flags: RunFlags): Promise<number> => {
  const sinks = standardSinks()
  const say = (text: string) => void sinks.stderr.write(`stoker: ${text}\n`)
  let status = () => 'starting: nothing runs yet'
  using interrupt = onInterrupt(() => status(), say)
  const io = { signal: AbortSignal.any([interrupt.signal, sinks.stdout.gone]) }

  const expression = exclude(parseExpression(request.targets), flags.exclude.map(parseExpression))
  await using site = await wire(flags, say, io)
  const { actor, options } = await site.action(request.action, request.words)
  const resolution = await resolve(expression, site.warehouses, {
    ...io,
    allowUnknown: flags.allowUnknown === true,
    readList,
  })
  for (const notice of resolution.notices) say(notice)
  const targets = dedup(resolution)
  if (targets.length === 0) say(`no targets: ${request.targets} has no members left`)

  const connector = await site.connector()
  if (actor.connects) await connector.prepare(targets, io)
  const wanted = flags.fanout ?? site.defaults.fanout
  const descriptors = (actor.descriptors ?? 0) + (actor.connects ? connector.descriptors : 0)
  const fanout = affordable(Math.min(wanted, Math.max(1, targets.length)), descriptors, openFileLimit())
  if (fanout < Math.min(wanted, targets.length))
    say(`${fanout} targets at a time instead of ${wanted}: the limit on open files (ulimit -n) allows no more`)

  await using input = flags.stdin && hasInput() ? broadcast(process.stdin) : undefined
  const tracker = progress(sinks, { total: targets.length })
  status = tracker.describe
  const events = schedule(targets, actor, options, {
    ...io,
    fanout,
    apply: !flags.check,
    connector,
    here: await here(),
    connectTimeout: flags.connectTimeout ?? site.defaults.connectTimeout,
    commandTimeout: flags.commandTimeout ?? site.defaults.commandTimeout,
    connectRate: flags.connectRate ?? site.defaults.connectRate,
    ...(input && { stdin: input.open }),
  })
  const output = flags.json
    ? json(sinks.stdout)
    : flags.fold
      ? folded(sinks.stdout)
      : lines(sinks, { label: flags.label })
  const end: readonly View[] = flags.json
    ? []
    : [summary(sinks.stderr, { verbose: flags.verbose === true, quiet: flags.quiet === true })]
  const result = await report(events, [tracker, output, ...end])
  return interrupt.exitCode ?? exitCode(result, { worst: flags.worst === true, interrupted: false })
}
