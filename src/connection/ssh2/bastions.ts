/** Hosts to jump through: one connection to each, whoever needs it, and no second wait for one which is dead. */

import { type Abortable, orAborted } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { stopwatch } from '../../base/stopwatch.ts'
import type { Opening } from '../connection.ts'
import type { Jump } from '../ssh-config/ssh-config.ts'
import type { LoggedIn } from './login.ts'

export interface Bastions {
  /**
   * The connection to the bastion, itself reached through those before it; opened when there is none. It outlives the
   * target which asked first. `timeout` is what the target may take; the bastion gets less, so that it is the bastion
   * which is told to be dead.
   */
  through(jump: Jump, before: readonly Jump[], timeout: number, io: Abortable): Promise<LoggedIn>
}

/** Opens the connection to a bastion. */
type Open = (jump: Jump, before: readonly Jump[], timeout: number, io: Opening) => Promise<LoggedIn>

/** How long a bastion which was not reached counts as dead for all targets behind it. */
const DEAD_MS = 15_000
/** Of the time which is left for the targets behind it. */
const SHARE = 0.8

/** The signal ends what is being opened. */
export const bastionsOf = (open: Open, { signal }: Abortable): Bastions => {
  const connections = new Map<string, Promise<LoggedIn>>()

  const connect = async (jump: Jump, before: readonly Jump[], timeout: number): Promise<LoggedIn> => {
    using late = stopwatch(timeout, () => new StokerError('CONNECT_FAILED', jump.host, 'its time is up'))
    try {
      return await open(jump, before, timeout, {
        signal: AbortSignal.any([signal, late.signal]),
        waits: late.pause,
      })
    } catch (thrown) {
      signal.throwIfAborted()
      const message = late.signal.aborted ? `no connection within ${timeout / 1000} s` : (thrown as Error).message
      const code = thrown instanceof StokerError && thrown.code !== 'INTERNAL' ? thrown.code : 'CONNECT_FAILED'
      const detail = thrown instanceof StokerError ? thrown.detail : undefined
      throw new StokerError(code, jump.host, `through bastion ${jump.host}: ${message}`, { cause: thrown, detail })
    }
  }
  /** A bastion which went away may be back for the next target; one which was not reached, after a while. */
  const forgetInTime = (key: string, connecting: Promise<LoggedIn>): void => {
    const forget = () => {
      if (connections.get(key) === connecting) connections.delete(key)
    }
    connecting.then(
      ({ lost }) => (lost.aborted ? forget() : lost.addEventListener('abort', forget, { once: true })),
      error => {
        // A login or key which was refused will be refused again.
        if (error instanceof StokerError && error.code === 'CONNECT_FAILED') setTimeout(forget, DEAD_MS).unref()
      },
    )
  }

  return {
    async through(jump, before, timeout, io) {
      const key = keyOf([...before, jump])
      let connecting = connections.get(key)
      if (!connecting) {
        connecting = connect(jump, before, Math.round(timeout * SHARE))
        connections.set(key, connecting)
        forgetInTime(key, connecting)
      }
      return await orAborted(connecting, io)
    },
  }
}

const keyOf = (via: readonly Jump[]): string => JSON.stringify(via)
