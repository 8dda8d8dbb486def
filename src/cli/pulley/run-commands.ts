/** Runs a program's commands: signals, exit codes, and the one place which tells an error to a person. */
import type { Abortable } from '../../base/abortable.ts'
import { exitCodeOf, toStokerError } from '../../base/errors.ts'

/** Returns the exit code and throws nothing. Ctrl-C and SIGTERM abort what the program works with. */
export const runCommands = async (
  argv: readonly string[],
  program: (argv: readonly string[], io: Abortable) => Promise<number>,
): Promise<number> => {
  const stop = new AbortController()
  // The server ends by itself when it is asked to.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  try {
    return await program(argv, { signal: stop.signal })
  } catch (thrown) {
    if (isUsage(thrown)) return thrown.exitCode === 0 ? 0 : 2
    if (stop.signal.aborted) return 130
    const error = toStokerError(thrown, 'pulley')
    process.stderr.write(`pulley: ${error.message}${error.detail ? ` (${error.detail})` : ''}\n`)
    if (error.code === 'INTERNAL' && process.env.STOKER_DEBUG) process.stderr.write(`${(thrown as Error).stack}\n`)
    return exitCodeOf(error)
  }
}

/** commander has told it already; its help and version are no errors. */
const isUsage = (thrown: unknown): thrown is { readonly exitCode: number } =>
  thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('commander.')
