/** Where secrets come from on this side: a private file, or a program which prints them. No message holds what was read. */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'

const MAX_BYTES = 1024 * 1024

/** The file's text. Throws `CONFIG` when it cannot be read, or when others than its owner have any permission on it. */
export const readPrivate = async (path: string, io: Abortable): Promise<string> => {
  io.signal.throwIfAborted()
  try {
    await using file = await open(path)
    const { mode } = await file.stat()
    if ((mode & 0o077) === 0) return await file.readFile({ encoding: 'utf8', signal: io.signal })
    const octal = (mode & 0o777).toString(8).padStart(4, '0')
    throw new StokerError(
      'CONFIG',
      path,
      `${path} has mode ${octal}, so others can get at the secret: chmod 600 ${path}`,
    )
  } catch (cause) {
    if (io.signal.aborted) throw io.signal.reason
    if (cause instanceof StokerError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    throw new StokerError(
      'CONFIG',
      path,
      `cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`,
      {
        cause,
      },
    )
  }
}

/**
 * What the program writes to its standard output. Its standard error is the user's to see; its input is empty. Throws
 * `CONFIG`.
 */
export const printedBy = (
  [program = '', ...words]: readonly string[],
  cwd: string,
  { signal }: Abortable,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(program, words, { cwd, signal, maxBuffer: MAX_BYTES }, (error, stdout) => {
      if (!error) resolve(stdout)
      else if (signal.aborted) reject(signal.reason)
      // Not the error's own message, which repeats what the program was called with.
      else reject(new StokerError('CONFIG', program, `${program}: ${reasonOf(error)}`))
    })
    child.stderr?.pipe(process.stderr, { end: false })
    child.stdin?.end()
  })

const reasonOf = (error: Error & { readonly code?: unknown }): string => {
  if (error.code === 'ENOENT') return 'there is no such program'
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `it prints more than ${MAX_BYTES} bytes`
  return typeof error.code === 'number' ? `it ended with exit code ${error.code}` : 'it could not be run'
}

/** A password: the first line of what `from` has given. Throws `CONFIG` when that is empty. */
export const firstLine = (text: string, from: string): string => {
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line !== '') return line
  throw new StokerError('CONFIG', from, `${from} has no password in its first line`)
}
