/** One process at a time, by a file which exists while somebody works. */
import type { Stats } from 'node:fs'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import type { Abortable } from '../../base/abortable.ts'

/** Work under the lock takes milliseconds: one held this long is left over, also when its holder cannot be asked about. */
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
      await handle.writeFile(`${process.pid} ${hostname()}`)
      return identified(await handle.stat())
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const holder = await identity(path)
    if (holder !== seen) {
      seen = holder
      since = performance.now()
    } else if (holder !== undefined && (performance.now() - since > DEAD_AFTER_MS || (await isDead(path)))) {
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

// A holder writes once; seen before and after that it seems two, which costs a waiting one nothing but time.
const identified = ({ ino, mtimeMs }: Stats): string => `${ino}:${mtimeMs}`

/** Whether the holder is a process of this machine which has ended. */
const isDead = async (path: string): Promise<boolean> => {
  const [pid = '', host] = (await readFile(path, 'utf8').catch(() => '')).split(' ') // gone since: not dead
  if (host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

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
