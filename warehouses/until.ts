/** Waiting for what knows no signals. */
import type { Abortable } from '../src/abortable.ts'

/** The promise's result, or the signal's reason as soon as it aborts. The work behind the promise goes on unheard. */
export const until = async <T>(promise: Promise<T>, { signal }: Abortable): Promise<T> => {
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) stop()
    return await Promise.race([stopped.promise, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
