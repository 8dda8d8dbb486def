/** The commands for a shell's completion. */
import { Argument, type Command } from 'commander'
import { addCompletionScript } from '../completion/command.ts'
import type { SetExitCode } from '../new-program.ts'

export const addCompletion = (program: Command, setExitCode: SetExitCode): void => {
  addCompletionScript(program, 'commands, options, actions and groups')
  // The scripts ask it.
  program
    .command('complete', { hidden: true })
    .description('print names for the completion of a shell')
    .addArgument(new Argument('<kind>', 'what to print').choices(['actions', 'groups']))
    .action(async (kind: 'actions' | 'groups') => {
      const { complete } = await import('../../commands/complete.ts')
      setExitCode(await complete(kind, program.opts()))
    })
}
