/** Lines which are typed into another tool's prompt: each is run on the targets, whose connections stay open from line to line. */
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { isatty, type ReadStream } from 'node:tty'
import { type Abortable, orAborted } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import { sourcesIn } from '../../converge/materials.ts'
import type { Target } from '../../inventory/target.ts'
import { journalFolder } from '../../journal/paths.ts'
import { fold } from '../../nodeset/fold.ts'
import { report, type View } from '../../report/report.ts'
import { type Sinks, standardSinks } from '../../report/sink.ts'
import { type Progress, progress } from '../../report/views/progress.ts'
import type { Actor } from '../../run/actor.ts'
import { type Schedule, schedule } from '../../run/schedule.ts'
import { type Console, scriptConsole, terminalConsole } from '../../shell/console.ts'
import { openHistory } from '../../shell/history.ts'
import { runLocally } from '../../shell/local-command.ts'
import { OpenConnections } from '../../shell/open-connections.ts'
import { isKept } from '../../shell/parse-line.ts'
import { openSite, type Site } from '../../site/site.ts'
import { keepRun } from '../push/journalled-run.ts'
import { keptFlags } from '../push/kept-flags.ts'
import { paceOf } from '../push/pace.ts'
import type { Notify, PushFlags } from '../push/push.ts'

/** What a line asks for. */
export type Wish =
  | { readonly kind: 'nothing' | 'leave' }
  /** Runs on this machine. */
  | { readonly kind: 'here'; readonly line: string }
  | {
      readonly kind: 'run'
      readonly actor: Actor<undefined>
      readonly targets: readonly Target[]
      /** As the journal has it. */
      readonly words: readonly string[]
      readonly view: (sinks: Sinks) => View
    }

/** How a tool talks with the person. */
export interface Dialogue {
  /** Shown before the first prompt, and after a line which asks for it. */
  readonly greeting: () => string
  readonly prompt: string
  /** Throws a `StokerError` for a line which makes no sense; it is told, and the next one is asked for. */
  read(line: string, io: Abortable): Promise<Wish>
}

export interface Tool {
  readonly name: string
  readonly flags: PushFlags
  /** Finds out who is meant first. Throws when that cannot be. */
  begin(site: Site, notify: Notify, io: Abortable): Promise<Dialogue>
}

/** Asks for lines until there are no more; returns the exit code. Without a terminal it reads them as they come. */
export const faceSession = async (tool: Tool): Promise<number> => {
  const sinks = standardSinks()
  const notify = (text: string) => void sinks.stderr.write(`${tool.name}: ${text}\n`)
  const isInteractive = isatty(0)
  const session = new FaceSession(sinks, notify)
  using ends = onEnd(() => session.interrupt(), isInteractive)
  const io = { signal: AbortSignal.any([ends.signal, sinks.stdout.gone]) }
  try {
    await using site = await openSite(tool.flags, notify, io)
    const connector = await site.connector()
    const sources = sourcesIn({ files: process.cwd(), templates: process.cwd(), confined: false })
    const how = {
      ...(await paceOf(tool.flags, site.defaults)),
      materials: (target: Target, _: unknown, io: Abortable) => sources.materials(target, {}, io),
    }
    const dialogue = await tool.begin(site, notify, io)
    await using links = new OpenConnections({
      connector,
      schedule: how,
      notify: notice => session.console?.above(() => notify(notice)),
    })
    using console = isInteractive ? atTerminal(tool.name, session, notify) : scriptConsole(process.stdin)
    session.console = console
    await session.run(dialogue, console, { connector, links, how, flags: tool.flags }, io)
    return 0
  } catch (thrown) {
    if (ends.exitCode !== undefined) return ends.exitCode
    if (sinks.stdout.gone.aborted) return 1
    throw thrown
  } finally {
    // A pipe which nobody closes would keep the program from ending.
    if (!isInteractive) process.stdin.destroy()
  }
}

interface Means {
  readonly connector: Schedule['connector']
  readonly links: OpenConnections
  readonly how: Omit<Schedule, 'signal' | 'connector' | 'begin' | 'stdin'>
  readonly flags: PushFlags
}

class FaceSession {
  readonly #sinks: Sinks
  readonly #notify: Notify
  #stop: AbortController | undefined
  #tracker: Progress | undefined
  console: Console | undefined

  constructor(sinks: Sinks, notify: Notify) {
    this.#sinks = sinks
    this.#notify = notify
  }

  /** Ctrl-C: stops what goes on, if anything does. */
  interrupt(): void {
    this.#stop?.abort(new StokerError('CANCELLED', 'session', 'stopped'))
  }

  /** Tells how far the command is. */
  status(): void {
    if (this.#tracker) this.#notify(this.#tracker.describe())
  }

  async run(dialogue: Dialogue, console: Console, means: Means, io: Abortable): Promise<void> {
    let greeting = ''
    for (;;) {
      if (console.isInteractive && greeting !== dialogue.greeting()) {
        greeting = dialogue.greeting()
        await this.#sinks.stdout.write(greeting)
      }
      const line = await console.next(dialogue.prompt, io)
      if (line === undefined) return
      try {
        const wish = await this.#stoppable(io, io => dialogue.read(line, io))
        if (wish.kind === 'leave') return
        await this.#stoppable(io, io => this.#fulfil(wish, isKept(line), console, means, io))
      } catch (thrown) {
        const error = toStokerError(thrown, 'session')
        if (io.signal.aborted || error.code === 'INTERNAL') throw thrown
        if (error.code !== 'CANCELLED') this.#notify(error.message)
        console.forget()
      }
    }
  }

  async #fulfil(wish: Wish, isKept: boolean, console: Console, means: Means, io: Abortable): Promise<void> {
    if (wish.kind === 'here') {
      await this.#sinks.stdout.flush()
      await console.apart(() => runLocally(wish.line, { terminal: console.isInteractive }))
    }
    if (wish.kind !== 'run') return
    const { actor, targets, words, view } = wish
    const { connector, links, how, flags } = means
    if (actor.connects) {
      await connector.prepare(targets, io)
      // Who cannot be reached is told by the run itself.
      await report(links.open(targets, io), [this.#track(targets)])
    }
    const expression = fold(targets.map(({ name }) => name))
    const head = { command: 'run' as const, words, expression, flags: keptFlags('run', flags), input: false, targets }
    const kept = isKept ? keepRun(head, this.#notify) : undefined
    const events = schedule(targets, actor, undefined, {
      ...how,
      ...io,
      connector: links.connector,
      ...(kept && { begin: kept.begin }),
    })
    await report(events, [...(kept ? [kept] : []), this.#track(targets), view(this.#sinks)])
    kept?.close(0)
    io.signal.throwIfAborted()
  }

  #track(targets: readonly Target[]): Progress {
    this.#tracker = progress(this.#sinks, { total: targets.length })
    return this.#tracker
  }

  /** Ctrl-C ends `work`, and `work` alone. */
  async #stoppable<T>(io: Abortable, work: (io: Abortable) => Promise<T>): Promise<T> {
    const stop = new AbortController()
    this.#stop = stop
    const signal = AbortSignal.any([io.signal, stop.signal])
    try {
      return await orAborted(work({ signal }), { signal: io.signal })
    } finally {
      this.#stop = undefined
      this.#tracker = undefined
    }
  }
}

const atTerminal = (name: string, session: FaceSession, notify: Notify): Console => {
  const history = openHistory(join(dirname(journalFolder(process.env)), `${name}-history`), notify)
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

/** SIGTERM and SIGHUP end it; Ctrl-C does so only where nobody is at a terminal. */
const onEnd = (interrupt: () => void, isInteractive: boolean) => {
  const abort = new AbortController()
  let exitCode: number | undefined
  const stop = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => {
    exitCode ??= 128 + constants.signals[signal]
    abort.abort()
  }
  const onInt = () => (isInteractive ? interrupt() : stop('SIGINT'))
  const onTerm = () => stop('SIGTERM')
  const onHup = () => stop('SIGHUP')
  process.on('SIGINT', onInt).on('SIGTERM', onTerm).on('SIGHUP', onHup)
  return {
    signal: abort.signal,
    get exitCode() {
      return exitCode
    },
    [Symbol.dispose]: () => void process.off('SIGINT', onInt).off('SIGTERM', onTerm).off('SIGHUP', onHup),
  }
}
