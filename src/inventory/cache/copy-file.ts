/** The file of a copy: whose it must be, and where it lies. */
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { writeAtomic } from '../../base/atomic-file.ts'

/** More than a million nodes need less. */
const MAX_BYTES = 256 * 1024 * 1024

/**
 * The file's text; `undefined` when there is none. Throws an `Error` which says why it is not to be used: who can write it
 * decides which machines are acted on.
 */
export const readCopy = async (path: string, { signal }: Abortable): Promise<string | undefined> => {
  signal.throwIfAborted()
  const file = await opened(path)
  if (!file) return undefined
  await using handle = file
  const stats = await handle.stat()
  if (!stats.isFile()) throw new Error('it is no regular file')
  if (stats.uid !== process.geteuid?.()) throw new Error('it belongs to another user')
  if ((stats.mode & 0o077) !== 0) throw new Error('others can get at it')
  if (stats.size > MAX_BYTES) throw new Error('it is too large')
  return await handle.readFile({ encoding: 'utf8', signal })
}

const opened = async (path: string) => {
  try {
    // A link is nobody's copy; a pipe must not stop us.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined
    throw codeOf(thrown) === 'ELOOP' ? new Error('it is a link', { cause: thrown }) : thrown
  }
}

/** Puts the text in the file's place, all or nothing; whoever reads meanwhile gets the one or the other. */
export const writeCopy = async (path: string, text: string): Promise<void> => {
  await ownFolder(dirname(path))
  await writeAtomic(path, text)
}

/** A folder which only this user gets into; made when it is not there. */
const ownFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const stats = await lstat(folder)
  if (!stats.isDirectory() || stats.uid !== process.geteuid?.()) throw new Error(`${folder} is no folder of this user`)
  if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700)
}

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined)
