/** A limit on time which can be held while the time is not the worker's own. */

export interface Stopwatch {
  /** Aborts when the time is up. */
  readonly signal: AbortSignal
  /** Holds the time until disposed; several may hold it. */
  pause(): Disposable
  /** Ends it for good. */
  stop(): void
}

/** Aborts with the reason once so many milliseconds have passed (0: never), those in which it was paused left out. */
export const stopwatch = (limit: number, reason: () => Error): Stopwatch => {
  const late = new AbortController()
  let left = limit
  let pauses = 0
  let since = 0
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const halt = () => {
    clearTimeout(timer)
    left -= performance.now() - since
  }
  const go = () => {
    if (isOver) return
    since = performance.now()
    if (limit > 0) timer = setTimeout(() => late.abort(reason()), Math.max(0, left))
  }
  go()
  return {
    signal: late.signal,
    stop() {
      isOver = true
      clearTimeout(timer)
    },
    pause(): Disposable {
      if (pauses++ === 0) halt()
      return {
        [Symbol.dispose]() {
          if (--pauses === 0) go()
        },
      }
    },
  }
}
