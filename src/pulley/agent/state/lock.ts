/** One agent at a time on one state folder: two would converge against each other. */
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../../base/errors.ts'

/** Holds the folder until disposed. Throws `AGENT_STATE` when another living agent has it. One which was killed leaves it free. */
export const holdLock = async (folder: string): Promise<AsyncDisposable> => {
  const path = join(folder, 'lock')
  const mine = `${path}.${process.pid}`
  await using file = await open(mine, 'w', 0o600)
  // Only now: in a layered file system the first file which is written may make the folder another one.
  const place = await placeOf(folder)
  const self = `${await identityOf(process.pid)} ${place}`
  await file.writeFile(self)
  try {
    for (let tries = 0; ; tries++) {
      try {
        await link(mine, path)
        break
      } catch (cause) {
        if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') || tries === 10) throw cause
      }
      const holder = await readFile(path, 'utf8').catch(() => '') // gone since: the next try will tell
      const [pid = ''] = holder.split(' ')
      if (holder !== '' && `${await identityOf(Number(pid))} ${place}` === holder)
        throw new StokerError('AGENT_STATE', folder, `another agent (process ${pid}) works with ${folder}`)
      // Its holder is dead. Only the one who can rename it away takes its place.
      await rename(path, `${mine}.dead`).catch(() => {}) // another was faster
      await rm(`${mine}.dead`, { force: true })
    }
  } finally {
    await rm(mine, { force: true })
  }
  return {
    async [Symbol.asyncDispose]() {
      if ((await readFile(path, 'utf8').catch(() => '')) === self) await rm(path, { force: true })
    },
  }
}

/** A folder as the file system knows it: in a copy of it lies a lock which nobody holds. */
const placeOf = async (folder: string): Promise<string> => {
  const { dev, ino } = await stat(folder)
  return `${dev}:${ino}`
}

/** A process, and when it began: another one with its number is not it. */
const identityOf = async (pid: number): Promise<string> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '') // no such process
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return `${pid} ${began}`
}
