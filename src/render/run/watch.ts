/** Between two starts of a service: as soon as a source has changed, what is made of it is made again. */
import { type Abortable, pause, timeLimit } from '../../base/abortable.ts'
import { formatDuration } from '../../base/duration.ts'
import { toStokerError } from '../../base/errors.ts'
import { type BackOff, Retry } from '../../base/retry.ts'

/** What may change: the part of a warehouse which is needed here. */
export interface Source {
  readonly name: string
  changes?(io: Abortable): AsyncIterable<string>
}

/** How a turn of rendering ended: whether another one may end better although no source changes. */
export type TurnResult = 'done' | 'again'

export interface WatchOptions {
  readonly sources: readonly Source[]
  /** Renders everything once, and reports what came of it. What it throws becomes a warning, and it is called again. */
  render(io: Abortable): Promise<TurnResult>
  /** Sentences about the sources: that one is listened to, is lost, is there again. */
  readonly warn: (notice: string) => void
  readonly times?: Partial<Times>
}

/** Milliseconds. */
export interface Times {
  /** After a change, so long nothing else has to come before it is rendered, */
  readonly quiet: number
  /** but so long at most. */
  readonly longest: number
  /** Between two renders of a source which does not report changes. */
  readonly interval: number
  /** Before what failed is tried again: at first, and doubled each time up to the most. */
  readonly again: number
  readonly maxAgain: number
  /** However quiet it is: a notice may be lost. */
  readonly anyway: number
}

const TIMES: Times = {
  ...{ quiet: 300, longest: 3_000, interval: 5_000 },
  ...{ again: 1_000, maxAgain: 10_000, anyway: 600_000 },
}

/**
 * A service which is restarted is away for that time. A few changes reach it at once; when they keep coming, it rests after
 * each turn, in multiples of the time which that took: 1 after the fourth one within two minutes, and so on.
 */
const REST = { free: 3, most: 10, within: 120_000 }

/**
 * Renders at once, and after each change, until the signal aborts; then it returns when the turn under way has ended. What is
 * wrong is reported once, and so is that it is right again.
 */
export const watch = async (options: WatchOptions, { signal }: Abortable): Promise<void> => {
  const times = { ...TIMES, ...options.times }
  const stop = new AbortController()
  const io = { signal: AbortSignal.any([signal, stop.signal]) }
  using changed = changeSignal()
  changed.raise()
  const listening = options.sources.map(source => listen(source, changed, options.warn, times, io))
  try {
    await Promise.race([turns(options, changed, times, io), ...listening])
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  } finally {
    stop.abort()
    await Promise.allSettled(listening)
  }
}

const turns = async (
  { render, warn }: WatchOptions,
  changed: ChangeSignal,
  times: Times,
  io: Abortable,
): Promise<never> => {
  const trouble = reportOnce(warn)
  const retry = new Retry(retryTimes(times))
  let ends: readonly number[] = []
  for (;;) {
    await settled(changed, times, io)
    const begin = performance.now()
    let result: TurnResult
    try {
      result = await render(io)
      trouble.isOver()
    } catch (thrown) {
      io.signal.throwIfAborted()
      trouble.report(toStokerError(thrown, 'render').message)
      result = 'again'
    }
    io.signal.throwIfAborted()
    const end = performance.now()
    ends = [...ends.filter(one => one > end - REST.within), end]
    await pause((end - begin) * Math.min(Math.max(ends.length - REST.free, 0), REST.most), io)
    if (result === 'done') retry.reset()
    changed.raiseIn(result === 'again' ? retry.failed() : times.anyway)
  }
}

/** Waits for a change, and then until there is an end of changes, or as long as anybody may have to wait for the first one. */
const settled = async (changed: ChangeSignal, { quiet, longest }: Times, io: Abortable): Promise<void> => {
  await changed.raised(io)
  const end = performance.now() + longest
  for (;;) {
    const left = end - performance.now()
    if (left <= 0) return
    using calm = timeLimit(Math.min(quiet, left))
    try {
      await changed.raised({ signal: AbortSignal.any([io.signal, calm.signal]) })
    } catch {
      io.signal.throwIfAborted()
      return
    }
  }
}

/** Rings for each change of the source, for ever. */
const listen = async (
  source: Source,
  changed: ChangeSignal,
  warn: (notice: string) => void,
  times: Times,
  io: Abortable,
): Promise<never> => {
  const trouble = reportOnce(warn)
  let lastMode: string | undefined
  const retry = new Retry(retryTimes(times))
  while (source.changes) {
    try {
      for await (const mode of source.changes(io)) {
        retry.reset()
        trouble.isOver(`${source.name} is listened to again`)
        if (mode !== lastMode) warn(`${source.name} is listened to: ${mode}`)
        lastMode = mode
        changed.raise()
      }
      break
    } catch (thrown) {
      io.signal.throwIfAborted()
      trouble.report(toStokerError(thrown, source.name).message)
      await retry.wait(io)
    }
  }
  warn(`${source.name} does not report changes: it is read every ${formatDuration(times.interval)}`)
  for (;;) {
    await pause(times.interval, io)
    changed.raise()
  }
}

const retryTimes = ({ again, maxAgain }: Times): BackOff => ({ first: again, most: maxAgain })

/** Reports each trouble once, until it is over. */
const reportOnce = (warn: (notice: string) => void) => {
  let last: string | undefined
  return {
    report(what: string) {
      if (what !== last) warn(what)
      last = what
    },
    isOver(what?: string) {
      if (last !== undefined && what !== undefined) warn(what)
      last = undefined
    },
  }
}

/** Rung by many, heard by one; a ring which nobody waits for is kept, several as one. */
interface ChangeSignal extends Disposable {
  raise(): void
  /** Rings after so many milliseconds, unless it is asked for another time before. */
  raiseIn(time: number): void
  /** Throws the signal's reason when that aborts first. */
  raised(io: Abortable): Promise<void>
}

const changeSignal = (): ChangeSignal => {
  let next = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  const ring = () => next.resolve()
  return {
    raise: ring,
    raiseIn(time) {
      clearTimeout(timer)
      timer = setTimeout(ring, time)
    },
    async raised({ signal }) {
      signal.throwIfAborted()
      const stopped = Promise.withResolvers<never>()
      const stop = () => stopped.reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
      try {
        await Promise.race([next.promise, stopped.promise])
        next = Promise.withResolvers()
      } finally {
        signal.removeEventListener('abort', stop)
      }
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
