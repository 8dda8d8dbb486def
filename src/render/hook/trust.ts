/** Who besides root could change what a hook runs: it runs as root, at every start. */
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The place, and why it is not root's alone. */
export interface Doubt {
  readonly path: string
  readonly why: string
}

/** The first doubt about each of the files, itself or a folder above it. What is not there is somebody else's trouble. */
export const doubtsAbout = async (files: readonly string[]): Promise<readonly Doubt[]> => {
  const doubts = new Map<string, Doubt>()
  for (const file of files) {
    const found = await doubtAbout(file)
    if (found) doubts.set(found.path, found)
  }
  return [...doubts.values()]
}

const doubtAbout = async (file: string): Promise<Doubt | undefined> => {
  const real = await realpath(file).catch(() => undefined) // not there
  for (let path = real; path !== undefined; path = dirname(path) === path ? undefined : dirname(path)) {
    const { uid, gid, mode } = await stat(path)
    // In a folder such as /tmp nobody can replace what is another's.
    const isSticky = path !== real && (mode & 0o1000) !== 0
    if (uid !== 0) return { path, why: `belongs to the user with the number ${uid}` }
    if (mode & 0o002 && !isSticky) return { path, why: 'may be written by anybody' }
    if (mode & 0o020 && gid !== 0 && !isSticky)
      return { path, why: `may be written by the group with the number ${gid}` }
  }
  return undefined
}
