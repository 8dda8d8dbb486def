/** What stays on this side of files which were being fetched when the connection broke. */
import { lstat, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type PartialFile, partialsAmong } from '../partial-file.ts'

export interface LocalPartial extends PartialFile {
  readonly path: string
}

/** What was kept of files which should have been at this path, the most first. */
export const localPartials = async (path: string): Promise<readonly LocalPartial[]> => {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => []) // a folder which is not there holds nothing
  const found = await Promise.all(
    partialsAmong(names, path).map(async ({ name, id }) => ({
      id,
      path: join(folder, name),
      ...(await inspect(join(folder, name))),
    })),
  )
  return found.filter(one => one.isOurs).sort((a, b) => b.size - a.size)
}

/** Removes it all. */
export const removeLocalPartials = async (path: string): Promise<void> => {
  for (const partial of await localPartials(path)) await rm(partial.path, { force: true })
}

/** Nobody else may have it open: it has one name, and is the user's own. */
const inspect = async (path: string): Promise<{ readonly size: number; readonly isOurs: boolean }> => {
  const found = await lstat(path).catch(() => undefined) // gone meanwhile
  return {
    size: found?.size ?? 0,
    isOurs: found?.isFile() === true && found.nlink === 1 && found.uid === process.getuid?.(),
  }
}
