/**
 * Targets x actor -> events: a sliding window over the targets, with time limits, and exactly one outcome for each
 * target whatever happens. Parallelism lives here alone.
 */
import pLimit from 'p-limit'
import type { Abortable } from './abortable.ts'
import type { Actor, Job } from './actor.ts'
import type { Connection, Connector } from './connection/connection.ts'
import type { Materials } from './convergent.ts'
import { StokerError, toStokerError } from './errors.ts'
import type { Output, ResourceResult, RunEvent, Timing } from './event.ts'
import type { Outcome } from './outcome.ts'
import type { Target } from './target.ts'

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
  /** Called before anything happens on a target. */
  readonly begin?: (target: Target) => void
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
  how: Schedule,
): AsyncGenerator<RunEvent, void, void> {
  const events = channel<RunEvent>(MAX_WAITING)
  const limit = pLimit({ concurrency: how.fanout, rejectOnClear: true })
  const pace = pacer(how.connectRate)
  const clear = () => limit.clearQueue()
  how.signal.addEventListener('abort', clear, { once: true })

  const one = async (target: Target, rank: number): Promise<void> => {
    if (how.signal.aborted) return await skip(target)
    how.begin?.(target)
    await events.put({ kind: 'started', target })
    const attempt = new Attempt(target, how, pace)
    const outcome = await attempt.run(actor, options, { rank, count: targets.length }, said =>
      events.put(
        'resource' in said ? { kind: 'resource', target, result: said } : { kind: 'output', target, output: said },
      ),
    )
    await events.put({ kind: 'finished', target, outcome, timing: attempt.timing() })
  }
  const skip = (target: Target): Promise<void> =>
    events.put({ kind: 'finished', target, outcome: { kind: 'not-started' }, timing: { total: 0 } })

  const work = targets.map((target, rank) =>
    // The window rejects only what it never started.
    limit(() => one(target, rank)).catch(() => skip(target)),
  )
  const done = Promise.all(work).then(() => events.close())
  try {
    if (how.signal.aborted) clear()
    yield* events.all()
    await done
  } finally {
    how.signal.removeEventListener('abort', clear)
    events.discard()
  }
}

/** One actor on one target: its clock, its limits and its end. */
class Attempt {
  readonly #target: Target
  readonly #how: Schedule
  readonly #pace: (io: Abortable) => Promise<void>
  readonly #abort = new AbortController()
  readonly #began = performance.now()
  #commandBegan = this.#began
  #ended = this.#began
  #timer: NodeJS.Timeout | undefined
  #opened: Connection['timing'] = {}

  constructor(target: Target, how: Schedule, pace: (io: Abortable) => Promise<void>) {
    this.#target = target
    this.#how = how
    this.#pace = pace
  }

  async run<O>(
    actor: Actor<O>,
    options: O,
    place: Pick<Job, 'rank' | 'count'>,
    emit: (said: Output | ResourceResult) => Promise<void>,
  ): Promise<Outcome> {
    const { signal } = this.#how
    const stop = () => this.#abort.abort(new StokerError('CANCELLED', this.#target.name, 'stopped before it was done'))
    signal.addEventListener('abort', stop, { once: true })
    const job: Job = {
      ...place,
      signal: this.#abort.signal,
      apply: this.#how.apply,
      diff: this.#how.diff,
      materials: reach => this.#how.materials(this.#target, reach, { signal: this.#abort.signal }),
      stdin: this.#how.stdin?.(),
      connect: () => this.#connect(),
      here: environment => this.#how.here(this.#target, environment ?? {}),
    }
    this.#startClock()
    try {
      return await this.#drive(actor.act(this.#target, options, job), emit)
    } catch (thrown) {
      return outcomeOf(thrown, this.#target.name)
    } finally {
      clearTimeout(this.#timer)
      signal.removeEventListener('abort', stop)
      this.#ended = performance.now()
    }
  }

  timing(): Timing {
    return { ...this.#opened, command: this.#ended - this.#commandBegan, total: this.#ended - this.#began }
  }

  /** The time limit of the command does not run while the connection is opened; that has a limit of its own. */
  async #connect(): Promise<Connection> {
    clearTimeout(this.#timer)
    const { connector, connectTimeout } = this.#how
    const name = this.#target.name
    await this.#pace({ signal: this.#abort.signal })
    const late = new AbortController()
    const timer =
      connectTimeout > 0 ? setTimeout(() => late.abort(tooLate(name, connectTimeout)), connectTimeout) : undefined
    try {
      const signal = AbortSignal.any([this.#abort.signal, late.signal])
      const connection = await connector.connect(this.#target, { signal })
      this.#opened = connection.timing
      return connection
    } finally {
      clearTimeout(timer)
      this.#startClock()
    }
  }

  #startClock(): void {
    this.#commandBegan = performance.now()
    const limit = this.#how.commandTimeout
    if (limit === 0) return
    const reason = new StokerError(
      'TIMED_OUT',
      this.#target.name,
      `not done within ${seconds(limit)}; ended on the target`,
    )
    this.#timer = setTimeout(() => this.#abort.abort(reason), limit)
  }

  /** Passes the output on; an actor which ignores its signal is left behind rather than waited for. */
  async #drive(
    steps: AsyncGenerator<Output | ResourceResult, Outcome, void>,
    emit: (said: Output | ResourceResult) => Promise<void>,
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
    signal.addEventListener('abort', giveUp, { once: true })
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
    if (turn > now) await sleep(turn - now, signal)
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })

/** A queue between many writers and one reader; `put` waits while `most` events are unread. */
const channel = <T>(most: number) => {
  let waiting: T[] = []
  let open = true
  let read = true
  let wakeReader = () => {}
  let wakeWriters: (() => void)[] = []
  return {
    async put(item: T): Promise<void> {
      if (!read) return
      waiting.push(item)
      wakeReader()
      while (read && waiting.length >= most) await new Promise<void>(resolve => wakeWriters.push(resolve))
    },
    close(): void {
      open = false
      wakeReader()
    },
    /** Nobody reads any more: what comes is dropped, and nobody waits. */
    discard(): void {
      read = false
      waiting = []
      for (const wake of wakeWriters) wake()
    },
    async *all(): AsyncGenerator<T, void, void> {
      while (open || waiting.length > 0) {
        const batch = waiting
        waiting = []
        const writers = wakeWriters
        wakeWriters = []
        for (const wake of writers) wake()
        yield* batch
        if (open && waiting.length === 0) {
          await new Promise<void>(resolve => {
            wakeReader = resolve
          })
        }
      }
    },
  }
}
