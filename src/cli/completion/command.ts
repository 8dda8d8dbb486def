/** The command which prints a program's completion script. */
import { Argument, type Command } from 'commander'
import { commandTree } from '../help/command-tree.ts'
import { SHELLS, type Shell } from './shells.ts'

/** Adds `completion`. `what`: what the script completes. */
export const addCompletionScript = (program: Command, what: string): void => {
  program
    .command('completion')
    .description(`print a script for a shell which completes ${what}`)
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./completion.ts')
      process.stdout.write(completionScript(shell, commandTree(program)))
    })
}
