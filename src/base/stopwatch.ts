/**
 * Limits on how long others may take. Time which this process itself was not there does not count: it was stopped, it had no
 * processor, or it was busy with somebody else's answer. What others had answered meanwhile is read before they are given up.
 */

export interface Stopwatch extends Disposable {
  /** Aborts when the time is up. */
  readonly signal: AbortSignal
  /** Holds the time until disposed; several may hold it. */
  pause(): Disposable
  /** Ends it for good; so does disposing it. */
  stop(): void
}

/** Milliseconds between two looks at the clock. */
const TICK_MS = 25
/** So much of one tick counts, however long it was. */
const MOST_MS = 3 * TICK_MS

/** The clock of all stopwatches; it stands while none of them runs. */
const clock = {
  /** Milliseconds which count, and when they were counted last. */
  counted: 0,
  last: 0,
  late: 0,
  running: new Map<object, () => void>(),
  timer: undefined as NodeJS.Timeout | undefined,
}

const tick = (): void => {
  const now = performance.now()
  const elapsed = now - clock.last
  clock.counted += Math.min(elapsed, MOST_MS)
  clock.late = Math.max(0, elapsed - TICK_MS)
  clock.last = now
  for (const check of clock.running.values()) check()
}

const run = (watch: object, check: () => void): void => {
  if (clock.running.size === 0) {
    clock.last = performance.now()
    clock.late = 0
    clock.timer = setInterval(tick, TICK_MS)
  }
  clock.running.set(watch, check)
}

const rest = (watch: object): void => {
  if (!clock.running.delete(watch) || clock.running.size > 0) return
  clearInterval(clock.timer)
}

/** The time which has counted by now. */
const counted = (): number => clock.counted + Math.min(performance.now() - clock.last, MOST_MS)

/** Milliseconds by which this process is behind with its work; 0 while no stopwatch runs. */
export const processLag = (): number =>
  clock.running.size === 0 ? 0 : Math.max(clock.late, performance.now() - clock.last - TICK_MS)

const timeUp = (): unknown => new DOMException('the time is up', 'TimeoutError')

/**
 * Aborts with the reason once so many milliseconds have passed (0: never), those in which it was paused left out. The program
 * does not end before it.
 */
export const stopwatch = (limit: number, reason: () => unknown = timeUp): Stopwatch => {
  const late = new AbortController()
  const watch = {}
  let left = limit
  let since = 0
  let pauses = 0
  let isOver = limit <= 0
  const halt = () => {
    rest(watch)
    left -= counted() - since
  }
  const go = () => {
    if (isOver) return
    run(watch, () => {
      if (counted() - since < left) return
      stop()
      late.abort(reason())
    })
    since = counted()
  }
  const stop = () => {
    isOver = true
    rest(watch)
  }
  go()
  return {
    signal: late.signal,
    stop,
    [Symbol.dispose]: stop,
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
