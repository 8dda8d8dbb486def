/** The command line of `pulley`: argv -> exit code. */
import { runPulley } from './program.ts'
import { runCommands } from './run-commands.ts'

/** Runs the command which `argv` (without the program's name) asks for; returns the exit code and throws nothing. */
export const cli = (argv: readonly string[]): Promise<number> => runCommands(argv, runPulley)
