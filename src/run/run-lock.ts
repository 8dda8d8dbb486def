/** One run of an action on the same targets at a time, for whoever works from this account on this machine. */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { userFolder } from '../base/folders.ts'
import { LockHeld, shownHolder, takeLock } from '../base/lock.ts'
import { shown } from '../base/names.ts'

/** What may not be run twice at once. */
export interface Locked {
  /** An actor's or action's name, or a policy's path. */
  readonly action: string
  /** The targets as they were typed. */
  readonly expression: string
}

/**
 * Holds it until disposed; a process which was killed holds nothing any more. Throws `LOCKED` at once when another run
 * has it, with who that is and since when.
 */
export const runLock = async (what: Locked, io: Abortable): Promise<AsyncDisposable> => {
  const path = lockPath(what, process.env)
  try {
    return await takeLock(path, { ...io, limit: 0 })
  } catch (cause) {
    io.signal.throwIfAborted()
    if (!(cause instanceof LockHeld)) throw cannotLock(path, cause)
    const on = what.expression === '' ? 'its targets' : shown(what.expression)
    const by = shownHolder(cause.holder)
    const message = `${shown(what.action)} on ${on} is being run already, by ${by}; wait for its end, or leave --lock out`
    throw new StokerError('LOCKED', what.action, message, { cause })
  }
}

/** In a home which several machines share, each has its own locks: a process of another one cannot be asked about. */
const lockPath = ({ action, expression }: Locked, env: NodeJS.ProcessEnv): string => {
  const said = JSON.stringify([hostname(), action, expression.replaceAll(/\s+/g, '')])
  const name = createHash('sha256').update(said).digest('hex').slice(0, 32)
  return join(userFolder('state', { env }), 'stoker', 'locks', name)
}

const cannotLock = (path: string, cause: unknown): StokerError =>
  new StokerError('CONFIG', path, `cannot lock the run by ${path}: ${(cause as Error).message}`, { cause })
