/** The commands for a shell's completion. */
import { Argument, type Command } from 'commander'
import { SHELLS, type Shell } from '../completion/shells.ts'
import { commandTree } from '../help/command-tree.ts'
import type { Done } from '../options/shared.ts'

export const addCompletion = (program: Command, done: Done): void => {
  program
    .command('completion')
    .description('print a script for a shell which completes commands, options, actions and groups')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(async (shell: Shell) => {
      const { completionScript } = await import('../completion/completion.ts')
      process.stdout.write(completionScript(shell, commandTree(program)))
    })
  // The scripts ask it.
  program
    .command('complete', { hidden: true })
    .addArgument(new Argument('<what>').choices(['actions', 'groups']))
    .action(async (what: 'actions' | 'groups') => {
      const { complete } = await import('../../commands/complete.ts')
      done(await complete(what, program.opts()))
    })
}
