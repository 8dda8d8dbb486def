/** What stays on this side of files which were being fetched when the connection broke. */
import { lstat, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Kept, keptAmong } from '../partial-file.ts'

export interface KeptHere extends Kept {
  readonly path: string
}

/** What was kept of files which should have been at this path, the most first. */
export const keptHere = async (path: string): Promise<readonly KeptHere[]> => {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => []) // a folder which is not there holds nothing
  const found = await Promise.all(
    keptAmong(names, path).map(async ({ name, id }) => ({
      id,
      path: join(folder, name),
      ...(await look(join(folder, name))),
    })),
  )
  return found.filter(one => one.isOurs).sort((a, b) => b.size - a.size)
}

/** Removes it all. */
export const forgetHere = async (path: string): Promise<void> => {
  for (const kept of await keptHere(path)) await rm(kept.path, { force: true })
}

/** Nobody else may have it open: it has one name, and is the user's own. */
const look = async (path: string): Promise<{ readonly size: number; readonly isOurs: boolean }> => {
  const found = await lstat(path).catch(() => undefined) // gone meanwhile
  return {
    size: found?.size ?? 0,
    isOurs: found?.isFile() === true && found.nlink === 1 && found.uid === process.getuid?.(),
  }
}
