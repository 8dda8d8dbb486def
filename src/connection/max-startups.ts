/** Trying again while a server is too busy: sshd closes before its banner when too many come at once (MaxStartups). */
import { pause } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { backOff } from '../base/retry.ts'
import type { Turns } from './adaptive-limit.ts'
import type { Opening } from './connection.ts'
import { Busy } from './ssh2/login.ts'

const MOST_TRIES = 12
const BACK_OFF = { first: 200, most: 4_000 }
/** One which refuses more often than this does not want us, whatever the others do: the others need not be slower. */
const TELLING_TRIES = 3

/**
 * Does `attempt`, once it has a turn at every gate, and again for as long as it throws `Busy`. Waiting does not count as
 * time of the opening. Throws what `attempt` throws, the signal's reason, or `CONNECT_FAILED` after the last try.
 */
export const patiently = async <T>(
  name: string,
  place: string,
  gates: readonly Turns[],
  io: Opening,
  attempt: (io: Opening) => Promise<T>,
): Promise<T> => {
  for (let tries = 1; ; tries++) {
    let busy: Busy
    try {
      using _turns = await turnsAt(gates, io)
      const done = await attempt(io)
      for (const gate of gates) gate.passed()
      return done
    } catch (cause) {
      if (!(cause instanceof Busy)) throw cause
      if (tries <= TELLING_TRIES) gates[0]?.refused()
      if (tries === MOST_TRIES || io.signal.aborted)
        throw io.signal.aborted ? io.signal.reason : tooBusy(name, place, cause)
      busy = cause
    }
    // A server which says that it is busy lets us in later; the time of one which only closes is its own.
    using _wait = busy.isTold ? io.waits?.() : undefined
    await pause(backOff(tries, BACK_OFF), io)
  }
}

const turnsAt = async (gates: readonly Turns[], io: Opening): Promise<Disposable> => {
  using taken = new DisposableStack()
  using _wait = gates.length > 0 ? io.waits?.() : undefined
  for (const gate of gates) taken.use(await gate.take(io))
  return taken.move()
}

const tooBusy = (name: string, place: string, cause: Error): StokerError =>
  new StokerError(
    'CONNECT_FAILED',
    name,
    `the server closes the connection before its SSH banner (tried ${MOST_TRIES} times): too many connections at once (MaxStartups), or it does not want this machine`,
    { cause, detail: place },
  )
