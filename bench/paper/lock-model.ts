/** How long a sweep has to take when logins have to go one after the other through something which all targets share. */

/** Seconds. */
export interface LockModel {
  /** What each login spends alone with the lock. */
  readonly serial: number
  /** What each target takes besides: the rest of the login, and the command. */
  readonly free: number
}

/**
 * The wall time of so many targets, so many at a time. Few at a time: each finds the lock free again when its turn comes,
 * and only the first ones wait for each other. Many: the lock is never idle, and the last login waits for all before it.
 */
export const lockedWall = ({ serial, free }: LockModel, targets: number, fanout: number): number => {
  const lastOfWindow = (targets - 1) % fanout
  const windows = Math.ceil(targets / fanout) * (serial + free) + lastOfWindow * serial
  return Math.max(targets * serial + free, windows)
}

/** So many at a time keep the lock busy; more gain nothing. */
export const lockedKnee = ({ serial, free }: LockModel): number => (serial + free) / serial
