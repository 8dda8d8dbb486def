/** A program's command line before it has commands: what `stoker`, `pulley` and `pulley-agent` have in common. */
import { Command } from 'commander'
import { VERSION } from '../base/version.ts'
import { describeArgument, describeOption } from './help/describe-option.ts'

/** Told the exit code of the command which was run. */
export type SetExitCode = (exitCode: number) => void

/** All that can be typed, for the manual and for completion as well; and the exit code of the command which was run last. */
export interface Program {
  readonly program: Command
  exitCode(): number
}

/** A program to which `add` adds its commands. */
export const newProgram = (
  name: string,
  description: string,
  add: (program: Command, setExitCode: SetExitCode) => void,
): Program => {
  let exitCode = 0
  const program = new Command(name)
    .description(description)
    .version(`${name} ${VERSION}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      optionDescription: describeOption,
      argumentDescription: describeArgument,
    })
    .showHelpAfterError(`('${name} help' tells more)`)
  add(program, code => {
    exitCode = code
  })
  return { program, exitCode: () => exitCode }
}
