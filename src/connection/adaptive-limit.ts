/** How many connections may be in the making at once: a limit which is given, or one which is learned from refusals. */
import { type Abortable, orAborted } from '../base/abortable.ts'
import { processLag } from '../base/stopwatch.ts'
import type { Jump } from './ssh-config/ssh-config.ts'

export interface Turns {
  /** Waits for a turn; disposing it lets another one begin. */
  take(io: Abortable): Promise<Disposable>
  /** A server was too busy: fewer at once from now on. */
  refused(): void
  /** One has come through: a little more at once. */
  passed(): void
}

/** Key exchanges which begin at once, before the first has come through. */
const FIRST = 32
/** Milliseconds: a process which is further behind begins no more. */
const BEARABLE_MS = 60
/** However busy a server is, or this process: so many are tried at once. */
const LEAST = 8
const NARROWER = 0.7
/** So many more at once when as many as may have come through. */
const WIDER = 2
/** Those refused together tell the same. */
const ONE_NEWS_MS = 200
/** A turn which takes longer waits for something else than a busy server, and holds nobody up. */
const LONGEST_MS = 3_000

/** The turns of those who open connections through the same hosts. `most`: for each; 0: no limit. */
export const turnsThrough = (most = 0): ((via: readonly Jump[]) => Turns) => {
  const gates = new Map<string, Turns>()
  return via => {
    const key = JSON.stringify(via)
    const gate = gates.get(key) ?? turns(most === 0 ? undefined : most)
    gates.set(key, gate)
    return gate
  }
}

/**
 * The turns of key exchanges in this process, which take its time: one which waits for a busy process would look like a target
 * that does not answer. A few begin at once, and one more for each which has come through; none while this process is
 * behind with its work, but for the least.
 */
export const handshakeTurns = (): Turns => {
  let ramp = FIRST
  const all = turns(Number.POSITIVE_INFINITY, going => going < ramp && processLag() < BEARABLE_MS)
  return {
    ...all,
    passed() {
      ramp += 1
    },
  }
}

/** Without a number there is no limit until a server refuses. More than the least begin only while `bears` says so. */
export const turns = (most = Number.POSITIVE_INFINITY, bears: (going: number) => boolean = () => true): Turns => {
  let limit = most
  let going = 0
  let narrowed = Number.NEGATIVE_INFINITY
  const waiting = new Set<() => void>()

  const isFree = () => going < Math.floor(limit) && (going < LEAST || bears(going))
  const letIn = () => {
    for (const enter of waiting) {
      if (!isFree()) return
      waiting.delete(enter)
      enter()
    }
    // Nobody is held up any more: what was learned of those who were refused says nothing of the next ones.
    if (waiting.size === 0 && going < limit / 2) limit = most
  }
  const begin = (): Disposable => {
    going += 1
    const end = () => {
      if (timer === undefined) return
      clearTimeout(timer)
      timer = undefined
      going -= 1
      letIn()
    }
    let timer: NodeJS.Timeout | undefined = setTimeout(end, LONGEST_MS).unref()
    return { [Symbol.dispose]: end }
  }

  return {
    async take(io) {
      io.signal.throwIfAborted()
      if (waiting.size === 0 && isFree()) return begin()
      const { promise, resolve } = Promise.withResolvers<Disposable>()
      const enter = () => resolve(begin())
      waiting.add(enter)
      try {
        return await orAborted(promise, io)
      } catch (thrown) {
        // Its turn may have come in the same moment.
        if (!waiting.delete(enter)) void promise.then(turn => turn[Symbol.dispose]())
        throw thrown
      }
    },
    refused() {
      const now = performance.now()
      if (now - narrowed < ONE_NEWS_MS) return
      narrowed = now
      limit = Math.max(LEAST, Math.min(limit, going) * NARROWER)
    },
    passed() {
      if (limit < most) limit += WIDER / limit
    },
  }
}
