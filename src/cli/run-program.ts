/** Runs a program: signals, exit codes, and the one place which tells an error to a person. */
import { constants } from 'node:os'
import type { Abortable } from '../base/abortable.ts'
import { exitCodeOf, toStokerError } from '../base/errors.ts'

/**
 * The exit code of the work; throws nothing. What the work throws is told on standard error, in one line after the name of
 * the program; commander has told its own errors already, and its help and version are none.
 */
export const runProgram = async (name: string, work: () => Promise<number>): Promise<number> => {
  try {
    return await work()
  } catch (thrown) {
    if (isUsage(thrown)) return thrown.exitCode === 0 ? 0 : 2
    const error = toStokerError(thrown, name)
    process.stderr.write(`${name}: ${error.message}${error.detail ? ` (${error.detail})` : ''}\n`)
    if (error.code === 'INTERNAL' && process.env.STOKER_DEBUG) process.stderr.write(`${(thrown as Error).stack}\n`)
    return exitCodeOf(error)
  }
}

/** The same for work which Ctrl-C and SIGTERM abort; what it throws then is not told. */
export const runInterruptible = async (name: string, work: (io: Abortable) => Promise<number>): Promise<number> => {
  const abort = new AbortController()
  let interrupted: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      interrupted ??= 128 + constants.signals[signal]
      abort.abort()
    })
  return await runProgram(name, async () => {
    try {
      return await work({ signal: abort.signal })
    } catch (thrown) {
      if (interrupted === undefined || isUsage(thrown)) throw thrown
      return interrupted
    }
  })
}

const isUsage = (thrown: unknown): thrown is { readonly exitCode: number } =>
  thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('commander.')
