/** A text file which the administrator wrote: whatever is wrong with it is hers to know, by name. */
import { readFile } from 'node:fs/promises'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'

/** The file's text. Throws `CONFIG` naming the file when it cannot be read or is not UTF-8. */
export const readText = async (path: string, { signal }: Abortable): Promise<string> => {
  const bytes = await readFile(path, { signal }).catch((cause: NodeJS.ErrnoException) => {
    if (signal.aborted) throw signal.reason
    const reason = REASONS[cause.code ?? ''] ?? cause.message
    throw new StokerError('CONFIG', path, `${path}: cannot be read: ${reason}`, { cause })
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new StokerError('CONFIG', path, `${path}: is not text in UTF-8`, { cause })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}
