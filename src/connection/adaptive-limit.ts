/** How many connections may be in the making at once: a limit which is given, or one which is learned from refusals. */
import { type Abortable, orAborted } from '../base/abortable.ts'
import { processLag } from '../base/stopwatch.ts'
import type { Jump } from './ssh-config/ssh-config.ts'

export interface AdaptiveLimit {
  /** Waits for a slot; disposing it lets another one begin. */
  acquire(io: Abortable): Promise<Disposable>
  /** A server was too busy: fewer at once from now on. */
  refused(): void
  /** One has come through: a little more at once. */
  succeeded(): void
}

/** Key exchanges which begin at once, before the first has come through. */
const INITIAL = 32
/** Milliseconds: a process which is further behind begins no more. */
const MAX_LAG_MS = 60
/** However busy a server is, or this process: so many are tried at once. */
const MIN_AT_ONCE = 8
const SHRINK_FACTOR = 0.7
/** So many more at once when as many as may have come through. */
const GROW_STEP = 2
/** Refusals within this time count as one. */
const SAME_REFUSAL_MS = 200
/** A slot held for longer waits for something else than a busy server, and holds nobody up. */
const MAX_HOLD_MS = 3_000

/** One limit for all who open connections through the same hosts. `max`: for each; 0: no limit. */
export const limitsThrough = (max = 0): ((via: readonly Jump[]) => AdaptiveLimit) => {
  const limits = new Map<string, AdaptiveLimit>()
  return via => {
    const key = JSON.stringify(via)
    const limit = limits.get(key) ?? adaptiveLimit(max === 0 ? undefined : max)
    limits.set(key, limit)
    return limit
  }
}

/**
 * The limit of key exchanges in this process, which take its time: one which waits for a busy process would look like a target
 * that does not answer. A few begin at once, and one more for each which has come through; none while this process is
 * behind with its work, but for the least.
 */
export const handshakeLimit = (): AdaptiveLimit => {
  let ramp = INITIAL
  const all = adaptiveLimit(Number.POSITIVE_INFINITY, active => active < ramp && processLag() < MAX_LAG_MS)
  return {
    ...all,
    succeeded() {
      ramp += 1
    },
  }
}

/** Without a number there is no limit until a server refuses. More than `MIN_AT_ONCE` begin only while `mayStart` allows it. */
export const adaptiveLimit = (
  max = Number.POSITIVE_INFINITY,
  mayStart: (active: number) => boolean = () => true,
): AdaptiveLimit => {
  let limit = max
  let active = 0
  let shrunkAt = Number.NEGATIVE_INFINITY
  const waiting = new Set<() => void>()

  const isFree = () => active < Math.floor(limit) && (active < MIN_AT_ONCE || mayStart(active))
  const admit = () => {
    for (const enter of waiting) {
      if (!isFree()) return
      waiting.delete(enter)
      enter()
    }
    // Nobody is held up any more: what was learned of those who were refused does not count for the next ones.
    if (waiting.size === 0 && active < limit / 2) limit = max
  }
  const begin = (): Disposable => {
    active += 1
    const end = () => {
      if (timer === undefined) return
      clearTimeout(timer)
      timer = undefined
      active -= 1
      admit()
    }
    let timer: NodeJS.Timeout | undefined = setTimeout(end, MAX_HOLD_MS).unref()
    return { [Symbol.dispose]: end }
  }

  return {
    async acquire(io) {
      io.signal.throwIfAborted()
      if (waiting.size === 0 && isFree()) return begin()
      const { promise, resolve } = Promise.withResolvers<Disposable>()
      const enter = () => resolve(begin())
      waiting.add(enter)
      try {
        return await orAborted(promise, io)
      } catch (thrown) {
        // A slot may have become free in the same moment.
        if (!waiting.delete(enter)) void promise.then(turn => turn[Symbol.dispose]())
        throw thrown
      }
    },
    refused() {
      const now = performance.now()
      if (now - shrunkAt < SAME_REFUSAL_MS) return
      shrunkAt = now
      limit = Math.max(MIN_AT_ONCE, Math.min(limit, active) * SHRINK_FACTOR)
    },
    succeeded() {
      if (limit < max) limit += GROW_STEP / limit
    },
  }
}
