/** `stoker shell`: resolve, connect, and then line by line: schedule, report. */
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { isatty, type ReadStream } from 'node:tty'
import { StokerError } from '../../base/errors.ts'
import type { Connector } from '../../connection/connection.ts'
import { sourcesIn } from '../../converge/materials.ts'
import { dedup } from '../../inventory/dedup.ts'
import { exclude } from '../../inventory/exclude.ts'
import { readList } from '../../inventory/read-list.ts'
import { resolve } from '../../inventory/resolve.ts'
import type { Target } from '../../inventory/target.ts'
import { journalFolder } from '../../journal/paths.ts'
import { fold } from '../../nodeset/fold.ts'
import { parseExpression } from '../../nodeset/syntax/parse.ts'
import { standardSinks } from '../../report/sink.ts'
import { affordable } from '../../run/affordable-fanout.ts'
import { type Console, scriptConsole, terminalConsole } from '../../shell/console.ts'
import { openHistory } from '../../shell/history.ts'
import { OpenConnections } from '../../shell/open-connections.ts'
import { isKept } from '../../shell/parse-line.ts'
import { Session } from '../../shell/session.ts'
import { openSite, type Site } from '../../site/site.ts'
import { type BecomeFlags, becomeConnector } from './become.ts'
import { keepRun } from './journalled-run.ts'
import { keptFlags } from './kept-flags.ts'
import { paceOf, type ReachFlags } from './pace.ts'
import type { TargetFlags } from './targets.ts'

/** The options of `stoker shell`; what is absent comes from the configuration. Times are in milliseconds. */
export interface ShellFlags extends TargetFlags, ReachFlags, BecomeFlags {
  /** Take no warehouse's copy for an answer. */
  readonly fresh?: boolean
  readonly fold?: boolean
  /** `false` for `-N`. */
  readonly label: boolean
  readonly verbose?: boolean
}

/**
 * Runs lines on the targets until there are no more. Returns 0 when a person leaves; for a script as `stoker run` would for
 * all of its lines together. Throws a `StokerError` when the targets cannot be resolved.
 */
export const shell = async (targets: string, flags: ShellFlags): Promise<number> => {
  const sinks = standardSinks()
  const notify = (text: string) => void sinks.stderr.write(`stoker: ${text}\n`)
  const isInteractive = isatty(0) && (isatty(2) || isatty(1))
  let session: Session | undefined
  // In a script Ctrl-C ends all of it.
  using ends = onEnd(() => (isInteractive ? session : undefined))
  const io = { signal: AbortSignal.any([ends.signal, sinks.stdout.gone]) }
  try {
    await using site = await openSite(flags, notify, io)
    const connector = await becomeConnector(await site.connector(), flags, site.config.become, io)
    const schedule = await scheduleOptions(flags, site)
    await using links = new OpenConnections({
      connector,
      schedule,
      notify: notice => (session?.notify ?? notify).call(session, notice),
    })
    const { actor } = await site.action('shell', ['true'])
    session = new Session({
      ...{ connections: links, actor, sinks, schedule, notify },
      resolve: async (expression, io) => {
        const some = exclude(expression, flags.exclude.map(parseExpression))
        const asked = { ...io, allowUnknown: flags.allowUnknown === true, readList }
        const resolution = await resolve(some, site.warehouses, asked)
        for (const notice of resolution.notices) notify(notice)
        return dedup(resolution)
      },
      prepare: async (targets, io) => {
        await connector.prepare(targets, io)
        affordAll(links.countWith(targets), connector)
      },
      journal: (line, targets) => keepRun({ ...journalHead(line, targets, flags), input: false, targets }, notify),
      ...{ fold: flags.fold === true, label: flags.label, verbose: flags.verbose === true },
      // A password may be asked for in the middle of a command.
      asks: flags.become !== undefined && flags.become !== false,
    })
    await session.begin(targets, io)
    using console = isInteractive ? atTerminal(session, notify) : scriptConsole(process.stdin)
    await session.run(console, io)
    return isInteractive ? 0 : session.exitCode
  } catch (thrown) {
    if (ends.exitCode !== undefined) return ends.exitCode
    if (thrown instanceof StokerError && thrown.code === 'CANCELLED') return 128 + constants.signals.SIGINT
    // Nobody reads what it prints any more.
    if (sinks.stdout.gone.aborted) return session?.exitCode || 1
    throw thrown
  } finally {
    // A pipe which nobody closes would keep the program from ending.
    if (!isInteractive) process.stdin.destroy()
  }
}

const scheduleOptions = async (flags: ShellFlags, { defaults }: Site) => {
  const sources = sourcesIn({ files: process.cwd(), templates: process.cwd(), confined: false })
  return {
    ...(await paceOf(flags, defaults)),
    materials: (target: Target, _: unknown, io: { readonly signal: AbortSignal }) => sources.materials(target, {}, io),
  }
}

const atTerminal = (session: Session, notify: (notice: string) => void): Console => {
  const history = openHistory(join(dirname(journalFolder(process.env)), 'shell-history'), notify)
  return terminalConsole({
    input: process.stdin as ReadStream,
    output: process.stderr.isTTY ? process.stderr : process.stdout,
    history: history.lines,
    entered: line => history.add(line),
    isKept,
    interrupt: () => session.interrupt(),
    requested: () => session.status(),
  })
}

/** What the journal keeps of one line. */
const journalHead = (line: string, targets: readonly Target[], flags: ShellFlags) => ({
  ...({ command: 'run', words: ['shell', line] } as const),
  expression: fold(targets.map(({ name }) => name)),
  flags: keptFlags('shell', flags),
})

/** All connections stay open, so all of them have to fit. */
const affordAll = (count: number, { descriptors }: Connector): void => {
  const fits = affordable(count, count, descriptors, () => {})
  if (fits < count)
    throw new StokerError(
      'USAGE',
      'shell',
      `${count} connections which stay open are more than the limit on open files (ulimit -n) allows: ${fits}; take fewer targets, or use stoker run`,
    )
}

/** SIGTERM and SIGHUP end the shell; Ctrl-C does so unless there is a session which it is for. */
const onEnd = (session: () => Session | undefined) => {
  const abort = new AbortController()
  let exitCode: number | undefined
  const stop = (code: number) => {
    exitCode ??= code
    abort.abort()
  }
  const onInt = () => {
    const running = session()
    if (running) running.interrupt()
    else stop(128 + constants.signals.SIGINT)
  }
  const onTerm = () => stop(128 + constants.signals.SIGTERM)
  const onHup = () => stop(128 + constants.signals.SIGHUP)
  process.on('SIGINT', onInt).on('SIGTERM', onTerm).on('SIGHUP', onHup)
  return {
    signal: abort.signal,
    get exitCode() {
      return exitCode
    },
    [Symbol.dispose]: () => void process.off('SIGINT', onInt).off('SIGTERM', onTerm).off('SIGHUP', onHup),
  }
}
