/** One process at a time, by a file which exists while somebody works. */
import type { Stats } from 'node:fs'
import { link, open, rename, rm, stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Abortable } from '../abortable.ts'

/** Work under the lock takes milliseconds; whoever holds it this long without a change was killed. */
const DEAD_AFTER_MS = 5000

/** Does `work` while holding the lock file, and removes it after. Waits for its turn; throws when it cannot be made. */
export const withLock = async <T>(path: string, work: () => Promise<T>, io: Abortable): Promise<T> => {
  const mine = await acquire(path, io)
  try {
    return await work()
  } finally {
    // After a long suspension it may have been taken away from us: another one's lock stays.
    if ((await identity(path)) === mine) await rm(path, { force: true })
  }
}

const acquire = async (path: string, { signal }: Abortable): Promise<string> => {
  let seen: string | undefined
  let since = 0
  for (;;) {
    signal.throwIfAborted()
    try {
      await using handle = await open(path, 'wx', 0o600)
      return identified(await handle.stat())
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const holder = await identity(path)
    if (holder !== seen) {
      seen = holder
      since = performance.now()
    } else if (holder !== undefined && performance.now() - since > DEAD_AFTER_MS) {
      await takeAway(path, holder)
    }
    // Uneven, so that those who wait do not come back together.
    await setTimeout(2 + Math.random() * 8, undefined, { signal })
  }
}

/** Which lock it is: a new one of the same name differs. */
const identity = async (path: string): Promise<string | undefined> => {
  try {
    return identified(await stat(path))
  } catch {
    return undefined // gone since, or not to be seen: opening it will tell which
  }
}

// Nobody writes into a lock file, so the time is that of its making.
const identified = ({ ino, mtimeMs }: Stats): string => `${ino}:${mtimeMs}`

// Two who find the same dead lock must not remove a living one between them: rename it aside, look, put back the wrong one.
const takeAway = async (path: string, dead: string): Promise<void> => {
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
  } catch {
    return // another one was faster
  }
  // If a third one has taken the lock meanwhile, it does not come back, and costs at worst a line written twice.
  if ((await identity(aside)) !== dead) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}
