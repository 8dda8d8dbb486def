import type { Abortable } from '../abortable.ts'

/** Waits for work which others wait for too: when the signal aborts, only this wait ends, with the signal's reason. */
export const orAborted = <T>(work: Promise<T>, { signal }: Abortable): Promise<T> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
