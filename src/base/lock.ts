/**
 * One render of a name at a time on this machine. The lock is a file which names a process by its number, the time when
 * it started and the boot of the machine: a holder which was killed, or went with the power, holds nothing any more.
 */
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Abortable } from './abortable.ts'
import { startOf } from './process-start.ts'

/**
 * Takes the lock, waiting for as long as another process has it; disposing gives it back. An abort ends the wait with
 * the signal's reason. `waiting` is told the number of the process which has it.
 */
export const takeLock = async (
  path: string,
  io: Abortable & { readonly waiting?: (pid: string) => void },
): Promise<AsyncDisposable> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  // Linked into place, so that a lock is never seen without its holder's name.
  turns += 1
  const mine = `${path}.${process.pid}.${turns}`
  const me = await ownIdentity(turns)
  await writeFile(mine, me, { mode: 0o600 })
  try {
    let told = false
    while (!(await claim(mine, path))) {
      io.signal.throwIfAborted()
      const holder = await read(path)
      if (holder === undefined) continue
      if (await isDead(holder)) {
        await takeAway(path, holder)
        continue
      }
      if (!told) io.waiting?.(holder.split(' ')[0] ?? '')
      told = true
      // Uneven, so that those who wait do not come back together.
      await setTimeout(5 + Math.random() * 20, undefined, io).catch(() => io.signal.throwIfAborted())
    }
  } finally {
    await rm(mine, { force: true })
  }
  await sweep(path)
  return {
    async [Symbol.asyncDispose]() {
      if ((await read(path)) === me) await rm(path, { force: true })
    },
  }
}

const claim = async (mine: string, path: string): Promise<boolean> => {
  try {
    await link(mine, path)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    throw thrown
  }
}

const read = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(thrown => {
    if (codeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  })

/** Two takings by one process differ, too. */
let turns = 0

const ownIdentity = async (turn: number): Promise<string> =>
  `${process.pid} ${await startOf(process.pid)} ${await boot()} ${turn}`

const isDead = async (holder: string): Promise<boolean> => {
  const [pid = '', start, itsBoot] = holder.split(' ')
  return itsBoot !== (await boot()) || start !== (await startOf(pid))
}

const boot = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()

// Two who find the same dead lock must not remove a living one between them: move it aside, look, put back the wrong one.
const takeAway = async (path: string, dead: string): Promise<void> => {
  const aside = `${path}.${process.pid}.dead`
  try {
    await rename(path, aside)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return // another one was faster
    throw thrown
  }
  // Should a third one have taken the lock in this moment, two render at once: each still writes whole files.
  if ((await read(aside)) !== dead) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

/** Removes what processes left which were killed while they waited. */
const sweep = async (path: string): Promise<void> => {
  const prefix = `${basename(path)}.`
  for (const name of await readdir(dirname(path))) {
    const [, pid = ''] = (name.startsWith(prefix) && /^(\d+)\.(\d+|dead)$/.exec(name.slice(prefix.length))) || []
    if (pid !== '' && (await startOf(pid)) === undefined) await rm(join(dirname(path), name), { force: true })
  }
}

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined)
