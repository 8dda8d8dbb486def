/** The command line of `stoker`: argv -> exit code, and the one place which tells an error to a person. */
import { exitCodeOf, toStokerError } from '../../base/errors.ts'

/** Runs the command which `argv` (without the program's name) asks for; returns the exit code and throws nothing. */
export const cli = async (argv: readonly string[]): Promise<number> => {
  try {
    // The calculator reads its flags in their order, as nodeset(1) does; scripts call it often, so it starts with little.
    const calculator = nodesWords(argv)
    if (calculator) {
      const { nodesCommand } = await import('../../commands/nodes/command.ts')
      return await nodesCommand(calculator.words, calculator.flags)
    }
    const { runProgram } = await import('./program.ts')
    return await runProgram(argv)
  } catch (thrown) {
    return isUsage(thrown) ? (thrown.exitCode === 0 ? 0 : 2) : complain(thrown)
  }
}

/** commander has told it already; its help and version are no errors. */
const isUsage = (thrown: unknown): thrown is { readonly exitCode: number } =>
  thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('commander.')

/** The words of the calculator, when the command line is one of its own. */
const nodesWords = (argv: readonly string[]) => {
  const [first = '', second = '', third] = argv
  if (first === 'nodes') return { words: argv.slice(1), flags: {} }
  if (first === '--config' && third === 'nodes') return { words: argv.slice(3), flags: { config: second } }
  return undefined
}

const complain = (thrown: unknown): number => {
  const error = toStokerError(thrown, 'stoker')
  const { detail } = error
  process.stderr.write(`stoker: ${error.message}${detail ? ` (${detail})` : ''}\n`)
  if (error.code === 'INTERNAL' && process.env.STOKER_DEBUG) process.stderr.write(`${(thrown as Error).stack}\n`)
  return exitCodeOf(error)
}
