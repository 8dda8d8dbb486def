/**
 * One open connection for each target, kept from one command to the next. A lost one is reported at once, and tried again
 * in the background, later and later.
 */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { type BackOff, backOff } from '../base/retry.ts'
import type { Connection, Connector } from '../connection/connection.ts'
import { formatTargets } from '../inventory/format-targets.ts'
import type { Target } from '../inventory/target.ts'
import type { Actor } from '../run/actor.ts'
import type { RunEvent } from '../run/event.ts'
import { type Schedule, schedule } from '../run/schedule.ts'

/** How connections are opened, and who is notified. */
export interface OpenConnectionsOptions {
  readonly connector: Connector
  /** For the opening: at how many at a time, how quickly, how long. */
  readonly schedule: Omit<Schedule, 'signal' | 'connector' | 'begin' | 'stdin'>
  readonly notify: (notice: string) => void
  /** Milliseconds until the first try to get a lost connection back, and the most between two tries. */
  readonly backOff?: BackOff
}

/** A target without a connection, and why it has none. */
export interface MissingConnection {
  readonly target: Target
  readonly error: StokerError
  /** Whether it is tried again by itself. */
  readonly isRetried: boolean
}

type Link =
  | { readonly kind: 'open'; readonly connection: Connection }
  | { readonly kind: 'down'; readonly error: StokerError; readonly tries: number; timer?: NodeJS.Timeout }

const BACK_OFF = { first: 500, most: 60_000 }
/** Those which are lost together are reported together; milliseconds. */
const TOGETHER_MS = 50

export class OpenConnections {
  readonly #options: OpenConnectionsOptions
  readonly #links = new Map<string, Link>()
  readonly #ended = new AbortController()
  readonly #news = new Map<string, Target[]>()
  #newsTimer: NodeJS.Timeout | undefined
  #wanted = new Map<string, Target>()
  #due: Target[] = []
  #dueTimer: NodeJS.Timeout | undefined

  constructor(options: OpenConnectionsOptions) {
    this.#options = options
  }

  /** Gives the kept connection, or throws at once why there is none: nobody waits for a target which is away. */
  readonly connector: Connector = {
    descriptors: 0,
    prepare: async () => {},
    connect: async (target, { signal }) => {
      signal.throwIfAborted()
      const link = this.#links.get(keyOf(target))
      if (link?.kind === 'open') return this.#borrowed(target, link.connection)
      const { code, message, detail } = link?.error ?? NOT_TRIED
      throw new StokerError(code, target.name, `not connected: ${message}`, { detail })
    },
    [Symbol.asyncDispose]: async () => {},
  }

  /** How many connections there would be if these targets had theirs as well. */
  countWith(targets: readonly Target[]): number {
    const open = [...this.#links].flatMap(([key, { kind }]) => (kind === 'open' ? [key] : []))
    return new Set([...open, ...targets.map(keyOf)]).size
  }

  /**
   * From now on these are the ones which count: others keep their connection, but are not reported and not tried again.
   * Opens what is not open; yields a run's events, in which `ok` is a connection.
   */
  async *open(targets: readonly Target[], io: Abortable): AsyncGenerator<RunEvent, void, void> {
    this.#wanted = new Map(targets.map(target => [keyOf(target), target]))
    yield* this.#reach(
      this.missing(targets).map(({ target }) => target),
      io,
    )
  }

  /** Those of the targets which have no connection now. */
  missing(targets: readonly Target[]): readonly MissingConnection[] {
    return targets.flatMap(target => {
      const link = this.#links.get(keyOf(target))
      if (link?.kind === 'open') return []
      const error = link?.error ?? NOT_TRIED
      return [{ target, error, isRetried: isRetryable(error) }]
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new StokerError('CANCELLED', 'shell', 'the shell is left'))
    clearTimeout(this.#newsTimer)
    clearTimeout(this.#dueTimer)
    const links = [...this.#links.values()]
    for (const link of links) if (link.kind === 'down') clearTimeout(link.timer)
    await Promise.all(links.map(link => (link.kind === 'open' ? link.connection[Symbol.asyncDispose]() : undefined)))
  }

  async *#reach(targets: readonly Target[], io: Abortable): AsyncGenerator<RunEvent, void, void> {
    for (const target of targets) this.#stopWaiting(target)
    const signal = AbortSignal.any([io.signal, this.#ended.signal])
    const options = { ...this.#options.schedule, signal, connector: this.#opening, apply: true, commandTimeout: 0 }
    for await (const event of schedule(targets, CONNECT_ONLY, undefined, options)) {
      if (event.kind === 'finished' && event.outcome.kind !== 'ok') {
        const { outcome } = event
        const error = outcome.kind === 'unreachable' || outcome.kind === 'failed' ? outcome.error : NOT_TRIED
        this.#down(event.target, error, this.#triesOf(event.target) + 1)
      }
      yield event
    }
  }

  /** Opens anew, and keeps what it has opened. */
  readonly #opening: Connector = {
    descriptors: 0,
    prepare: async () => {},
    connect: async (target, io) => {
      const connection = await this.#options.connector.connect(target, io)
      if (this.#ended.signal.aborted) {
        await connection[Symbol.asyncDispose]()
        throw this.#ended.signal.reason
      }
      const other = this.#links.get(keyOf(target))
      if (other?.kind === 'open') {
        // Somebody asked for it while it was tried again in the background.
        await connection[Symbol.asyncDispose]()
        return this.#borrowed(target, other.connection)
      }
      this.#links.set(keyOf(target), { kind: 'open', connection })
      const lost = () => this.#lost(target, connection)
      if (connection.lost?.aborted) lost()
      else connection.lost?.addEventListener('abort', lost, { once: true })
      return this.#borrowed(target, connection, connection.timing)
    },
    [Symbol.asyncDispose]: async () => {},
  }

  /** The connection for one command: it stays open when that is over. */
  #borrowed(target: Target, connection: Connection, timing: Connection['timing'] = {}): Connection {
    const lost = (thrown: unknown) => {
      if (thrown instanceof StokerError && thrown.code === 'CONNECTION_LOST') this.#lost(target, connection)
    }
    return {
      timing,
      read: (path, io) => connection.read(path, io),
      write: (path, content, attributes, io) => connection.write(path, content, attributes, io),
      async *exec(command, io) {
        try {
          return yield* connection.exec(command, io)
        } catch (thrown) {
          // One which knows by itself when it is lost may live on after such an error.
          if (!connection.lost) lost(thrown)
          throw thrown
        }
      },
      async [Symbol.asyncDispose]() {},
    }
  }

  #lost(target: Target, connection: Connection): void {
    const link = this.#links.get(keyOf(target))
    if (this.#ended.signal.aborted || link?.kind !== 'open' || link.connection !== connection) return
    // It is gone already: an error of its closing helps nobody.
    Promise.resolve(connection[Symbol.asyncDispose]()).catch(() => {})
    this.#down(target, LOST, 0)
    if (this.#wanted.has(keyOf(target))) this.#notify(target, 'connection lost; it is tried again')
  }

  #down(target: Target, error: StokerError, tries: number): void {
    if (this.#ended.signal.aborted) return
    const link: Link = { kind: 'down', error, tries }
    this.#links.set(keyOf(target), link)
    if (!isRetryable(error)) return
    link.timer = setTimeout(() => this.#isDue(target), backOff(tries + 1, this.#options.backOff ?? BACK_OFF))
  }

  #triesOf(target: Target): number {
    const link = this.#links.get(keyOf(target))
    return link?.kind === 'down' ? link.tries : 0
  }

  #stopWaiting(target: Target): void {
    const link = this.#links.get(keyOf(target))
    if (link?.kind === 'down') clearTimeout(link.timer)
    this.#due = this.#due.filter(other => other !== target)
  }

  #isDue(target: Target): void {
    if (!this.#wanted.has(keyOf(target))) return // it is tried when it is wanted again
    this.#due.push(target)
    this.#dueTimer ??= setTimeout(() => {
      const targets = this.#due
      this.#due = []
      this.#dueTimer = undefined
      void this.#retry(targets)
    }, TOGETHER_MS)
  }

  async #retry(targets: readonly Target[]): Promise<void> {
    for await (const event of this.#reach(targets, this.#ended)) {
      if (event.kind !== 'finished') continue
      const { target, outcome } = event
      if (outcome.kind === 'ok') this.#notify(target, 'connected')
      else if ('error' in outcome && !isRetryable(outcome.error))
        this.#notify(target, `${outcome.error.message}; it is not tried again by itself`)
    }
  }

  #notify(target: Target, news: string): void {
    if (this.#ended.signal.aborted) return
    const targets = this.#news.get(news)
    if (targets) targets.push(target)
    else this.#news.set(news, [target])
    this.#newsTimer ??= setTimeout(() => {
      this.#newsTimer = undefined
      const news = [...this.#news]
      this.#news.clear()
      for (const [text, targets] of news) this.#options.notify(`${formatTargets(targets)}: ${text}`)
    }, TOGETHER_MS)
  }
}

/** Two targets which are reached in the same way share a connection. */
const keyOf = ({ name, addresses, port, user }: Target): string => JSON.stringify([name, addresses, port, user])

/** A refused key or login stays refused; who asks again and again may be locked out. */
const isRetryable = ({ code }: StokerError): boolean => code === 'CONNECT_FAILED' || code === 'CONNECTION_LOST'

const NOT_TRIED = new StokerError('CONNECT_FAILED', 'shell', 'it was stopped before it was done')
const LOST = new StokerError('CONNECT_FAILED', 'shell', 'the connection was lost')

/** Opens the connection and does nothing with it. */
const CONNECT_ONLY: Actor<undefined> = {
  name: 'reach',
  summary: 'open the connection',
  takes: 'text',
  connects: true,
  parse: () => undefined,
  // biome-ignore lint/correctness/useYield: there is no output
  async *act(_target, _options, job) {
    await job.connect()
    return { kind: 'ok', changed: false }
  },
}
