/** The live files beside what they shall be. */
import type { Stats } from 'node:fs'
import { lstat, readFile, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import type { RenderedFile } from '../services/service.ts'

/** A file as it shall be, byte for byte. */
export interface NewFile extends Omit<RenderedFile, 'text' | 'settle'> {
  readonly content: Buffer
}

export interface Compared {
  readonly file: NewFile
  /** Where the file lies once all links are followed. */
  readonly target: string
  /** What is there now. */
  readonly live: { readonly content: Buffer; readonly stats: Stats } | undefined
  readonly isSame: boolean
}

/** The file beside the live one; throws `RENDER_FAILED` when there is something else in its place, or it cannot be read. */
export const compareFile = async ({ text, settle, ...file }: RenderedFile, now: Date): Promise<Compared> => {
  const { target, live } = await readLive(file.path)
  const content = Buffer.from(settle ? settle(text, live?.content.toString(), now) : text)
  return { file: { ...file, content }, target, live, isSame: live?.content.equals(content) === true }
}

/** The same for bytes which are final. */
export const compareBytes = async (file: NewFile): Promise<Compared> => {
  const { target, live } = await readLive(file.path)
  return { file, target, live, isSame: live?.content.equals(file.content) === true }
}

const readLive = async (path: string): Promise<Pick<Compared, 'target' | 'live'>> => {
  try {
    const target = await targetOf(path)
    const stats = await stat(target).catch(absent)
    if (stats && !stats.isFile()) throw new Error('it is no regular file')
    return { target, live: stats && { stats, content: await readFile(target) } }
  } catch (cause) {
    throw new StokerError('RENDER_FAILED', path, `${path}: cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** More links than Linux follows. */
const MAX_LINKS = 40

/** What the path leads to, also when the last link of the way leads to a file which is not there. */
const targetOf = async (path: string, links = 0): Promise<string> => {
  const found = await realpath(path).catch(absent)
  if (found !== undefined) return found
  const own = await lstat(path).catch(absent)
  if (!own?.isSymbolicLink()) return path
  if (links === MAX_LINKS) throw new Error('too many links')
  return await targetOf(resolve(dirname(path), await readlink(path)), links + 1)
}

const absent = (thrown: NodeJS.ErrnoException): undefined => {
  if (thrown.code !== 'ENOENT') throw thrown
}
