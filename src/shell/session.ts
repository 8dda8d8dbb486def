/** The shell itself: takes one line after the other, and does what it says, on the set of targets as it is by then. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { formatTargets } from '../inventory/format-targets.ts'
import type { Target } from '../inventory/target.ts'
import type { Expression } from '../nodeset/syntax/expression.ts'
import { parseExpression } from '../nodeset/syntax/parse.ts'
import { exitCode, report, type View } from '../report/report.ts'
import type { Sinks } from '../report/sink.ts'
import { folded } from '../report/views/folded.ts'
import { lines } from '../report/views/lines.ts'
import { type Progress, progress } from '../report/views/progress.ts'
import { summary } from '../report/views/summary.ts'
import type { Actor } from '../run/actor.ts'
import { type Schedule, schedule } from '../run/schedule.ts'
import type { Console } from './console.ts'
import { runLocally } from './local-command.ts'
import type { OpenConnections } from './open-connections.ts'
import { HELP, isKept, parseLine, type ShellLine } from './parse-line.ts'
import { promptOf } from './prompt.ts'

/** What a session works with. */
export interface SessionOptions {
  readonly connections: OpenConnections
  /** Takes a line and runs it. */
  readonly actor: Actor
  readonly sinks: Sinks
  readonly schedule: Omit<Schedule, 'signal' | 'connector' | 'begin' | 'stdin'>
  /** Who is meant, each once. Throws a `StokerError`. */
  readonly resolve: (expression: Expression, io: Abortable) => Promise<readonly Target[]>
  /** Before connections are opened: asks for what all of them need. Throws when there would be too many. */
  readonly prepare: (targets: readonly Target[], io: Abortable) => Promise<void>
  /** Keeps a command in the journal. */
  readonly journal: (line: string, targets: readonly Target[]) => View & Pick<JournalEntry, 'begin' | 'close'>
  readonly notify: (text: string) => void
  readonly fold: boolean
  readonly label: boolean
  readonly verbose: boolean
  /** Whether commands may ask something at the terminal. */
  readonly asks: boolean
}

interface JournalEntry {
  begin(target: Target): void
  close(exitCode: number): void
}

export class Session {
  readonly #options: SessionOptions
  #console: Console | undefined
  #expression: Expression | undefined
  #targets: readonly Target[] = []
  #isFolded: boolean
  #stop: AbortController | undefined
  #tracker: Progress | undefined
  #worst = 0

  constructor(options: SessionOptions) {
    this.#options = options
    this.#isFolded = options.fold
  }

  /** What scripts end with: 1 when something failed, 4 when nothing failed but not every target was done, else 0. */
  get exitCode(): number {
    return this.#worst
  }

  /** Ctrl-C: stops what goes on, if anything does. */
  interrupt(): void {
    if (!this.#stop || this.#stop.signal.aborted) return
    this.#stop.abort(new StokerError('CANCELLED', 'shell', 'stopped'))
  }

  /** Shows how far the command is. */
  status(): void {
    if (this.#tracker) this.#options.notify(this.#tracker.describe())
  }

  /** Shows a notice which has nothing to do with what goes on. */
  notify(notice: string): void {
    const write = () => this.#options.notify(notice)
    if (this.#console) this.#console.above(write)
    else write()
  }

  /** Resolves the first targets and connects to them. Throws a `StokerError` when they cannot be resolved. */
  async begin(text: string, io: Abortable): Promise<void> {
    await this.#stoppable(io, io => this.#change('=', text, io))
  }

  /** Obeys the lines, up to the last one. In a script, an error in the set of targets is the end: it is thrown. */
  async run(console: Console, io: Abortable): Promise<void> {
    this.#console = console
    for (;;) {
      const missing = this.#options.connections.missing(this.#targets).length
      const line = await console.next(promptOf(this.#targets, missing), io)
      const typed = line === undefined ? undefined : parseLine(line)
      if (line === undefined || !typed || typed.kind === 'leave') return
      try {
        await this.#stoppable(io, io => this.#execute(typed, isKept(line), console, io))
      } catch (thrown) {
        if (!(thrown instanceof StokerError) || io.signal.aborted || !console.isInteractive) throw thrown
        this.#options.notify(`${thrown.message}${thrown.detail ? ` (${thrown.detail})` : ''}`)
        // What was pasted behind it was meant for other targets, perhaps.
        console.forget()
      }
    }
  }

  async #execute(typed: ShellLine, isKept: boolean, console: Console, io: Abortable): Promise<void> {
    switch (typed.kind) {
      case 'nothing':
      case 'leave':
        return
      case 'wrong':
        throw new StokerError('USAGE', 'shell', typed.why)
      case 'command':
        if (this.#options.asks) return await console.apart(() => this.#command(typed.line, isKept, io))
        return await this.#command(typed.line, isKept, io)
      case 'local':
        return await this.#local(typed.line, console)
      case 'targets':
        await console.apart(() => this.#change(typed.change, typed.text, io))
        if (console.isInteractive) this.#options.notify(this.#described())
        return
      case 'reconnect':
        return await this.#connect(io)
      case 'fold':
        this.#isFolded = !this.#isFolded
        this.#options.notify(this.#isFolded ? 'equal output is folded from now on' : 'lines from now on')
        return
      case 'help':
        return void this.#options.sinks.stderr.write(`${this.#help().join('\n')}\n`)
      default:
        throw new Error(`unknown: ${typed satisfies never}`)
    }
  }

  async #command(line: string, isKept: boolean, io: Abortable): Promise<void> {
    const { actor, schedule: scheduleOptions, connections, sinks, label, verbose } = this.#options
    const targets = this.#targets
    if (targets.length === 0) return this.#options.notify('no targets: +TARGETS adds some')
    const entry = isKept ? this.#options.journal(line, targets) : undefined
    const tracker = progress(sinks, { total: targets.length })
    this.#tracker = tracker
    const events = schedule(targets, actor, actor.parse(line), {
      ...scheduleOptions,
      ...io,
      connector: connections.connector,
      ...(entry && { begin: target => entry.begin(target) }),
    })
    const result = await report(events, [
      ...(entry ? [entry] : []),
      tracker,
      this.#isFolded ? folded(sinks.stdout) : lines(sinks, { label }),
      summary(sinks.stderr, { verbose, quiet: !verbose }),
    ])
    const code = exitCode(result, { worst: false, interrupted: false })
    entry?.close(code)
    this.#note(code)
  }

  async #local(line: string, console: Console): Promise<void> {
    await this.#options.sinks.stdout.flush()
    await this.#options.sinks.stderr.flush()
    const code = await console.apart(() => runLocally(line, { terminal: console.isInteractive }))
    if (code === 0) return
    this.#note(1)
    this.#options.notify(`here: exit code ${code}`)
  }

  async #change(change: '+' | '-' | '=', text: string, io: Abortable): Promise<void> {
    const right = parseExpression(text)
    const left = this.#expression
    const expression: Expression =
      change === '=' || !left ? right : { kind: 'operation', operator: change === '+' ? ',' : '!', left, right }
    const targets = await this.#options.resolve(expression, io)
    await this.#options.prepare(targets, io)
    this.#expression = expression
    this.#targets = targets
    await this.#connect(io)
  }

  async #connect(io: Abortable): Promise<void> {
    const { connections, sinks } = this.#options
    const missing = connections.missing(this.#targets)
    const tracker = progress(sinks, { total: missing.length })
    this.#tracker = tracker
    await report(connections.open(this.#targets, io), [tracker, summary(sinks.stderr, { verbose: false, quiet: true })])
  }

  /** Ctrl-C ends `work`, and `work` alone. */
  async #stoppable(io: Abortable, work: (io: Abortable) => Promise<void>): Promise<void> {
    const stop = new AbortController()
    this.#stop = stop
    try {
      await work({ signal: AbortSignal.any([io.signal, stop.signal]) })
    } finally {
      this.#stop = undefined
      this.#tracker = undefined
    }
  }

  #note(code: number): void {
    if (code === 1 || this.#worst === 0) this.#worst = code
  }

  #described(): string {
    return this.#targets.length === 0 ? 'no targets' : formatTargets(this.#targets)
  }

  #help(): readonly string[] {
    const missing = this.#options.connections.missing(this.#targets)
    const why = Map.groupBy(missing, ({ error, isRetried }) => {
      return `${error.message}${isRetried ? '; it is tried again' : ''}`
    })
    return [
      `${this.#described()}: ${this.#targets.length - missing.length} connected`,
      ...[...why].map(([text, some]) => `  not connected: ${formatTargets(some.map(({ target }) => target))}: ${text}`),
      `output: ${this.#isFolded ? 'folded' : 'lines'}`,
      HELP,
    ]
  }
}
