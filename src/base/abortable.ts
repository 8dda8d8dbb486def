/** Waiting, and being told to stop. */

/** The last parameter of everything that waits: when `signal` aborts, the wait ends with `signal.reason`. */
export interface Abortable {
  readonly signal: AbortSignal
}

/** Waits so many milliseconds; when the signal aborts, the wait ends with the signal's reason. */
export const pause = (milliseconds: number, { signal }: Abortable): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
  })

/** A time limit which counts by itself: `AbortSignal.timeout` lets the program end before it, when nothing else goes on. */
export const timeLimit = (
  milliseconds: number,
  reason = new Error('the time is up'),
): Disposable & { readonly signal: AbortSignal } => {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(reason), milliseconds)
  return { signal: abort.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Waits for work which others wait for too: when the signal aborts, only this wait ends, with the signal's reason. */
export const orAborted = <T>(work: Promise<T>, { signal }: Abortable): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    // Heard also when nobody waits any more: a rejection which nobody hears would end the program.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })

/**
 * Work done once for all who ask. When everyone who waited has left, its own signal aborts, so that nothing goes on for
 * nobody; the next one to ask begins anew.
 */
export const sharedWork = <T>(work: (io: Abortable) => Promise<T>): ((io: Abortable) => Promise<T>) => {
  let current:
    | { readonly result: Promise<T>; readonly stop: AbortController; waiting: number; done: boolean }
    | undefined
  const begin = () => {
    const stop = new AbortController()
    const begun = { result: work(stop), stop, waiting: 0, done: false }
    const finish = () => {
      begun.done = true
    }
    begun.result.then(finish, finish)
    return begun
  }
  return async io => {
    io.signal.throwIfAborted()
    current ??= begin()
    const mine = current
    mine.waiting++
    try {
      return await orAborted(mine.result, io)
    } finally {
      if (--mine.waiting === 0 && !mine.done) {
        current = undefined
        mine.stop.abort(io.signal.reason)
      }
    }
  }
}
