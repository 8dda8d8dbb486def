/** The files of hooks on this machine: read as bytes, replaced as a whole, taken away with a folder of ours. */
import { mkdir, readFile, realpath, rm, rmdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeAtomic } from '../../base/atomic-file.ts'
import { StokerError } from '../../base/errors.ts'

/** The file's bytes, one character each; `undefined` when there is no such file. Throws `CONFIG` when it cannot be read. */
export const readBytes = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'latin1')
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return undefined
    throw trouble('read', path, thrown)
  }
}

export const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path)
    return true
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT', 'ENOTDIR')) return false
    throw trouble('read', path, thrown)
  }
}

/** Puts these bytes into the file at once; it keeps its mode and owner, and what a symbolic link points to is replaced. */
export const writeBytes = async (path: string, bytes: string): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true })
    const target = await realpath(path).catch(() => path) // not there yet
    await writeAtomic(target, Buffer.from(bytes, 'latin1'), { mode: 0o644, keep: true })
  } catch (thrown) {
    throw trouble('write', path, thrown)
  }
}

/** Takes the file away, and its folder when that is empty then and `withFolder` says so. */
export const removeFile = async (path: string, withFolder: boolean): Promise<void> => {
  try {
    await rm(path)
    if (withFolder) await rmdir(dirname(path))
  } catch (thrown) {
    if (!hasCode(thrown, 'ENOTEMPTY', 'EEXIST')) throw trouble('remove', path, thrown)
  }
}

const trouble = (what: string, path: string, cause: unknown): StokerError => {
  const why = hasCode(cause, 'EACCES', 'EPERM')
    ? 'permission denied; hooks are for root'
    : hasCode(cause, 'EROFS')
      ? 'the file system is read-only'
      : (cause as Error).message
  return new StokerError('CONFIG', path, `cannot ${what} ${path}: ${why}`, { cause })
}

const hasCode = (thrown: unknown, ...codes: readonly string[]): boolean =>
  thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code))
