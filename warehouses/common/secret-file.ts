/** Files with a secret in them: a password, a private key. */
import { open } from 'node:fs/promises'
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { readPrivate } from '../../src/config/secret-source.ts'
import { unusableOption } from './options.ts'

/**
 * The file's text. Throws `CONFIG` naming the option when it cannot be read, or when others than its owner have any
 * permission on it.
 */
export const readSecret = async (path: string, option: string, warehouse: string, io: Abortable): Promise<string> => {
  try {
    return await readPrivate(path, io)
  } catch (thrown) {
    throw thrown instanceof StokerError ? unusableOption(warehouse, option, thrown.message, thrown) : thrown
  }
}

/** The text of a file which is no secret, such as a certificate. Throws `CONFIG` naming the option. */
export const readOptionFile = async (
  path: string,
  option: string,
  warehouse: string,
  io: Abortable,
): Promise<string> => {
  io.signal.throwIfAborted()
  try {
    await using file = await open(path)
    return await file.readFile({ encoding: 'utf8', signal: io.signal })
  } catch (thrown) {
    throw io.signal.aborted ? io.signal.reason : unreadable(path, option, warehouse, thrown)
  }
}

const unreadable = (path: string, option: string, warehouse: string, thrown: unknown): unknown => {
  if (!(thrown instanceof Error) || !('syscall' in thrown)) return thrown
  const why = 'code' in thrown && thrown.code === 'ENOENT' ? 'there is no such file' : thrown.message
  return unusableOption(warehouse, option, `cannot read ${path}: ${why}`, thrown)
}
