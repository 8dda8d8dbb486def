/** Where a password comes from on this side: a private file, or a program which prints it. No message holds what was read. */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import type { Abortable } from './abortable.ts'
import { StokerError } from './errors.ts'

/** The first line of the file. Throws `CONFIG` when it cannot be read, is empty, or when others than its owner may read it. */
export const secretFromFile = async (path: string, io: Abortable): Promise<string> => {
  io.signal.throwIfAborted()
  let text: string
  try {
    await using file = await open(path)
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0')
      throw new StokerError(
        'CONFIG',
        path,
        `${path} has mode ${octal}, so others can get at the password: chmod 600 ${path}`,
      )
    }
    text = await file.readFile({ encoding: 'utf8', signal: io.signal })
  } catch (cause) {
    if (io.signal.aborted) throw io.signal.reason
    if (cause instanceof StokerError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new StokerError('CONFIG', path, `cannot read the password in ${path}: ${why}`, { cause })
  }
  return firstLine(text, path)
}

/** The first line which the program prints. Its standard error is the user's to see; its input is empty. Throws `CONFIG`. */
export const secretFromCommand = async (
  [program = '', ...words]: readonly string[],
  cwd: string,
  { signal }: Abortable,
): Promise<string> => {
  const text = await new Promise<string>((resolve, reject) => {
    const child = execFile(program, words, { cwd, signal }, (error, stdout) => {
      if (!error) resolve(stdout)
      else if (signal.aborted) reject(signal.reason)
      // Not the error's own message, which repeats what the program was called with.
      else reject(new StokerError('CONFIG', program, `${program}, which prints the password: ${reasonOf(error)}`))
    })
    child.stderr?.pipe(process.stderr, { end: false })
    child.stdin?.end()
  })
  return firstLine(text, program)
}

const reasonOf = (error: Error & { readonly code?: unknown }): string => {
  if (error.code === 'ENOENT') return 'there is no such program'
  return typeof error.code === 'number' ? `it ended with exit code ${error.code}` : 'it could not be run'
}

const firstLine = (text: string, from: string): string => {
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line !== '') return line
  throw new StokerError('CONFIG', from, `${from} has no password in its first line`)
}
