/** Waiting between tries: longer each time, and unevenly, so that those who failed together do not come back together. */
import type { Abortable } from './abortable.ts'

export interface BackOff {
  /** Milliseconds before the second try. */
  readonly first: number
  /** Milliseconds which no wait is above. */
  readonly most: number
}

/** Milliseconds to wait after so many tries (from 1): doubled each time up to `most`, of which half is left to chance. */
export const backOff = (tries: number, { first, most }: BackOff, chance = Math.random): number =>
  Math.min(first * 2 ** Math.min(tries - 1, 30), most) * (0.5 + chance() / 2)

/** Waits; when the signal aborts, the wait ends with the signal's reason. */
export const pause = (ms: number, { signal }: Abortable): Promise<void> =>
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
