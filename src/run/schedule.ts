/**
 * Targets x actor -> events: a sliding window over the targets, with time limits, and exactly one outcome for each
 * target whatever happens. Parallelism lives here alone.
 */
import pLimit from 'p-limit'
import { type Abortable, pause } from '../base/abortable.ts'
import { StokerError, toStokerError } from '../base/errors.ts'
import { type Stopwatch, stopwatch } from '../base/stopwatch.ts'
import type { Connection, Connector, Output } from '../connection/connection.ts'
import type { Materials } from '../converge/convergent.ts'
import type { Target } from '../inventory/target.ts'
import type { Actor, Job } from './actor.ts'
import { channel } from './channel.ts'
import type { ResourceResult, RunEvent, Timing } from './event.ts'
import type { Outcome } from './outcome.ts'
import type { Rolling } from './rolling.ts'

export interface Schedule extends Abortable {
  /** How many targets are worked on at once. */
  readonly fanout: number
  /** `false`: actors change nothing and say what they would do. */
  readonly apply: boolean
  /** Whether differences of texts are to be shown. */
  readonly diff: boolean
  /** Sources and templates of this side, with a target's values; `reach` is for what only the target itself can tell. */
  readonly materials: (target: Target, reach: () => Promise<Connection>, io: Abortable) => Materials
  readonly connector: Connector
  /** A connection to this machine, for what an actor does here on behalf of a target. */
  readonly here: (target: Target, environment: Readonly<Record<string, string>>) => Connection
  /** Milliseconds for opening a connection, authentication included; 0: no limit. */
  readonly connectTimeout: number
  /** Milliseconds for the action once the connection stands; 0: no limit. */
  readonly commandTimeout: number
  /** New connections a second; 0: no limit. */
  readonly connectRate: number
  /** Batches, the end after too many failures, and new tries; without it all targets are one batch, and have one try. */
  readonly rolling?: Rolling
  /** Called before anything happens on a target. */
  readonly begin?: (target: Target) => void
  /** Called with what actors tell of the files which they move: bytes which have been, of those which are to be. */
  readonly moved?: (target: Target, bytes: number, of: number) => void
  /** Opens what was piped into the run, from its beginning, once for each target. */
  readonly stdin?: () => AsyncIterable<Uint8Array>
}

/** How long an actor may go on after its signal has aborted, before the run goes on without it. */
const STUBBORN_MS = 8_000
/** Events which may wait for a slow reader before the targets are made to wait as well. */
const MAX_WAITING = 64

/** Runs the actor on every target. Ends after the last target's `finished`; throws nothing of a target's own. */
export async function* schedule<O>(
  targets: readonly Target[],
  actor: Actor<O>,
  options: O,
  settings: Schedule,
): AsyncGenerator<RunEvent, void, void> {
  const events = channel<RunEvent>(MAX_WAITING)
  const limit = pLimit(settings.fanout)
  const pace = pacer(settings.connectRate)

  /** One try; where there is to be another, how long to wait for it. */
  const attempt = async (target: Target, rank: number, tries: number, began: number): Promise<Wait | undefined> => {
    const attempt = new Attempt(target, settings, pace)
    const outcome = await attempt.run(actor, options, { rank, count: targets.length }, produced =>
      events.put(
        'resource' in produced
          ? { kind: 'resource', target, result: produced }
          : { kind: 'output', target, output: produced },
      ),
    )
    const finish = async (): Promise<undefined> => {
      settings.rolling?.ended(outcome)
      await events.put({ kind: 'finished', target, outcome, timing: attempt.timing(began) })
    }
    const ms = settings.rolling?.again(outcome, tries)
    return ms === undefined ? await finish() : { ms, giveUp: finish }
  }
  const skip = async (target: Target): Promise<undefined> => {
    await events.put({ kind: 'finished', target, outcome: { kind: 'not-started' }, timing: { total: 0 } })
  }

  const one = async (target: Target, rank: number): Promise<void> => {
    let giveUp = () => skip(target)
    let began: number | undefined
    for (let tries = 1; ; tries++) {
      const wait = await limit(async () => {
        if (settings.signal.aborted || settings.rolling?.stopped) return await giveUp()
        if (began === undefined) {
          began = performance.now()
          settings.begin?.(target)
          await events.put({ kind: 'started', target })
        }
        return await attempt(target, rank, tries, began)
      })
      if (!wait) return
      giveUp = wait.giveUp
      // Outside of the window: who waits for another try holds nobody up. It ends early only when the run is stopped.
      await pause(wait.ms, settings).catch(() => {})
    }
  }
  const work = async (): Promise<void> => {
    let rank = 0
    for (const [batch, members] of (settings.rolling?.batches ?? [targets]).entries()) {
      if (!settings.signal.aborted && !settings.rolling?.stopped) settings.rolling?.begin(batch)
      await Promise.all(members.map(target => one(target, rank++)))
    }
  }
  const done = work().finally(() => events.close())
  try {
    yield* events.all()
    await done
  } finally {
    events.discard()
  }
}

/** Until the next try, and the end in case that there is none. */
interface Wait {
  readonly ms: number
  readonly giveUp: () => Promise<undefined>
}

/** One actor on one target: its clock, its limits and its end. */
class Attempt {
  readonly #target: Target
  readonly #settings: Schedule
  readonly #pace: (io: Abortable) => Promise<void>
  readonly #abort = new AbortController()
  #commandBegan = performance.now()
  #ended = this.#commandBegan
  readonly #clock: Stopwatch
  #opened: Connection['timing'] = {}
  #reached = false

  constructor(target: Target, settings: Schedule, pace: (io: Abortable) => Promise<void>) {
    this.#target = target
    this.#settings = settings
    this.#pace = pace
    const { commandTimeout } = settings
    const late = () =>
      new StokerError('TIMED_OUT', target.name, `not done within ${seconds(commandTimeout)}; ended on the target`)
    this.#clock = stopwatch(commandTimeout, late)
    this.#clock.signal.addEventListener('abort', () => this.#abort.abort(this.#clock.signal.reason))
  }

  async run<O>(
    actor: Actor<O>,
    options: O,
    place: Pick<Job, 'rank' | 'count'>,
    emit: (produced: Output | ResourceResult) => Promise<void>,
  ): Promise<Outcome> {
    const { signal } = this.#settings
    const stop = () => this.#abort.abort(new StokerError('CANCELLED', this.#target.name, 'stopped before it was done'))
    // A reader may have kept us waiting since it was looked at.
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    const job: Job = {
      ...place,
      signal: this.#abort.signal,
      apply: this.#settings.apply,
      diff: this.#settings.diff,
      materials: reach => this.#settings.materials(this.#target, reach, { signal: this.#abort.signal }),
      stdin: this.#settings.stdin?.(),
      moved: (bytes, of) => this.#settings.moved?.(this.#target, bytes, of),
      connect: () => this.#connect(),
      here: environment => this.#settings.here(this.#target, environment ?? {}),
    }
    try {
      return await this.#drive(actor.act(this.#target, options, job), emit)
    } catch (thrown) {
      const outcome = outcomeOf(thrown, this.#target.name)
      // Once it was reached, something may have been done there: that it is out of reach now does not undo it.
      return outcome.kind === 'unreachable' && this.#reached ? { kind: 'failed', error: outcome.error } : outcome
    } finally {
      this.#clock.stop()
      signal.removeEventListener('abort', stop)
      this.#ended = performance.now()
      // What an actor has left behind, such as a connection it did not wait for, is not wanted any more.
      this.#abort.abort(new StokerError('CANCELLED', this.#target.name, 'it has ended'))
    }
  }

  timing(began: number): Timing {
    return { ...this.#opened, command: this.#ended - this.#commandBegan, total: this.#ended - began }
  }

  /** The time limit of the command does not run while the connection is opened; that has a limit of its own. */
  async #connect(): Promise<Connection> {
    using _held = this.#clock.pause()
    const { connector } = this.#settings
    const name = this.#target.name
    const connectTimeout = connector.timeLimit?.(this.#target) ?? this.#settings.connectTimeout
    await this.#pace({ signal: this.#abort.signal })
    const late = stopwatch(connectTimeout, () => tooLate(name, connectTimeout))
    try {
      const signal = AbortSignal.any([this.#abort.signal, late.signal])
      const connection = await connector.connect(this.#target, { signal, waits: late.pause })
      this.#opened = connection.timing
      if (!this.#reached) this.#commandBegan = performance.now()
      this.#reached = true
      return connection
    } finally {
      late.stop()
    }
  }

  /** Passes the output on; an actor which ignores its signal is left behind rather than waited for. */
  async #drive(
    steps: AsyncGenerator<Output | ResourceResult, Outcome, void>,
    emit: (produced: Output | ResourceResult) => Promise<void>,
  ): Promise<Outcome> {
    const { signal } = this.#abort
    const stubborn = Promise.withResolvers<never>()
    let timer: NodeJS.Timeout | undefined
    let abandoned = false
    const giveUp = () => {
      timer = setTimeout(() => {
        abandoned = true
        stubborn.reject(signal.reason)
      }, STUBBORN_MS)
    }
    const toTheEnd = async (): Promise<Outcome> => {
      for (;;) {
        const step = await steps.next()
        if (step.done) return step.value
        if (!abandoned) await emit(step.value)
      }
    }
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
    try {
      // One race for the whole; one for each step would keep every step alive until `stubborn` settles.
      return await Promise.race([toTheEnd(), stubborn.promise])
    } catch (thrown) {
      // What an aborted actor throws is seldom the reason itself: AbortError, a closed socket, ...
      throw signal.aborted && !(thrown instanceof StokerError) ? signal.reason : thrown
    } finally {
      signal.removeEventListener('abort', giveUp)
      clearTimeout(timer)
    }
  }
}

const tooLate = (name: string, ms: number): StokerError =>
  new StokerError('CONNECT_FAILED', name, `not connected within ${seconds(ms)}`)

const seconds = (ms: number): string => `${ms / 1000} s`

/** A thrown error as the outcome it means. */
const outcomeOf = (thrown: unknown, name: string): Outcome => {
  const error = toStokerError(thrown, name, 'ACTOR_FAILED')
  switch (error.code) {
    case 'CONNECT_FAILED':
    case 'HOST_KEY_UNKNOWN':
    case 'HOST_KEY_CHANGED':
    case 'AUTH_FAILED':
      return { kind: 'unreachable', error }
    case 'TIMED_OUT':
      return { kind: 'timed-out', error }
    case 'CANCELLED':
      return { kind: 'cancelled', error }
    default:
      return { kind: 'failed', error }
  }
}

/** Lets at most `rate` callers a second pass, evenly spread; 0 lets everyone pass. */
const pacer = (rate: number) => {
  let next = 0
  return async ({ signal }: Abortable): Promise<void> => {
    if (rate === 0) return
    const now = performance.now()
    const turn = Math.max(now, next)
    next = turn + 1000 / rate
    await pause(turn - now, { signal })
  }
}
