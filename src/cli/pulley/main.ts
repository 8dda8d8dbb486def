/** The command line of `pulley`: argv -> exit code. */
import { commandWords } from '../options/command-words.ts'
import { runInterruptible } from '../run-program.ts'
import { pulleyProgram } from './program.ts'

/** Runs the command which `argv` (without the program's name) asks for; returns the exit code and throws nothing. */
export const cli = (argv: readonly string[]): Promise<number> =>
  runInterruptible('pulley', async io => {
    const { program, exitCode } = pulleyProgram(io)
    await program.parseAsync(commandWords(program, argv) as string[], { from: 'user' })
    return exitCode()
  })
