/** Trying again while a server is too busy: sshd closes before its banner when too many come at once (MaxStartups). */
import { pause } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { backOff } from '../base/retry.ts'
import type { AdaptiveLimit } from './adaptive-limit.ts'
import type { Opening } from './connection.ts'
import { ServerBusy } from './ssh2/login.ts'

const MAX_TRIES = 12
const BACK_OFF = { first: 200, most: 4_000 }
/** One which refuses more often than this does not want us, whatever the others do: the others need not be slower. */
const COUNTED_TRIES = 3

/**
 * Does `attempt`, once every limit lets it, and again for as long as it throws `ServerBusy`. Waiting does not count as
 * time of the opening. Throws what `attempt` throws, the signal's reason, or `CONNECT_FAILED` after the last try.
 */
export const retryWhileBusy = async <T>(
  name: string,
  address: string,
  limits: readonly AdaptiveLimit[],
  io: Opening,
  attempt: (io: Opening) => Promise<T>,
): Promise<T> => {
  for (let tries = 1; ; tries++) {
    let busy: ServerBusy
    try {
      using _acquired = await acquireAll(limits, io)
      const done = await attempt(io)
      for (const limit of limits) limit.succeeded()
      return done
    } catch (cause) {
      if (!(cause instanceof ServerBusy)) throw cause
      if (tries <= COUNTED_TRIES) limits[0]?.refused()
      if (tries === MAX_TRIES || io.signal.aborted)
        throw io.signal.aborted ? io.signal.reason : tooBusy(name, address, cause)
      busy = cause
    }
    // A server which says that it is busy lets us in later; the time of one which only closes is its own.
    using _wait = busy.isTold ? io.waits?.() : undefined
    await pause(backOff(tries, BACK_OFF), io)
  }
}

const acquireAll = async (limits: readonly AdaptiveLimit[], io: Opening): Promise<Disposable> => {
  using taken = new DisposableStack()
  using _wait = limits.length > 0 ? io.waits?.() : undefined
  for (const limit of limits) taken.use(await limit.acquire(io))
  return taken.move()
}

const tooBusy = (name: string, address: string, cause: Error): StokerError =>
  new StokerError(
    'CONNECT_FAILED',
    name,
    `the server closes the connection before its SSH banner (tried ${MAX_TRIES} times): too many connections at once (MaxStartups), or it does not want this machine`,
    { cause, detail: address },
  )
