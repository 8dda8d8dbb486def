/** What can be typed, and which command it means. Each command is loaded when it is used. */
import { Command } from 'commander'
import { VERSION } from '../../base/version.ts'
import { withBecomeUser } from '../options/become-words.ts'
import { withBareConfirm } from '../options/rolling.ts'
import { addCompletion } from './completion.ts'
import { addInventory } from './inventory.ts'
import { addLab } from './lab.ts'
import { addRendering } from './render.ts'
import { addActing } from './run.ts'
import { addLookingBack } from './runs.ts'

/** Parses the words and runs the command they ask for; returns its exit code. Throws what it throws, and commander's own errors. */
export const runProgram = async (argv: readonly string[]): Promise<number> => {
  const { program, exitCode } = stokerProgram()
  await program.parseAsync(withBareConfirm(becomeWords(program, argv)) as string[], { from: 'user' })
  return exitCode()
}

/** All that can be typed, for the manual and for completion as well; and the exit code of the command which was run last. */
export const stokerProgram = (): { readonly program: Command; exitCode(): number } => {
  let exitCode = 0
  const program = new Command('stoker')
    .description('Act on many machines at once: who they are comes from your warehouses, what to do from actors.')
    .version(`stoker ${VERSION}`, '-V, --version')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .option('--config <file>', 'configuration file (default: $STOKER_CONFIG, ./stoker.yaml, ...)')
    .showHelpAfterError("('stoker help' tells more)")

  const done = (code: number) => {
    exitCode = code
  }
  for (const add of [addActing, addLookingBack, addInventory, addRendering, addLab, addCompletion]) add(program, done)
  return { program, exitCode: () => exitCode }
}

/** The words with `--become [USER]` made plain: see `withBecomeUser`. */
const becomeWords = (program: Command, argv: readonly string[]): readonly string[] => {
  const [command] = argv.flatMap(word => program.commands.find(one => one.name() === word) ?? [])
  if (!command) return argv
  const options = [...program.options, ...command.options]
  const takesValue = (word: string) =>
    options.some(option => option.required && (option.long === word || option.short === word))
  const needed = command.registeredArguments.filter(argument => argument.required).length
  return withBecomeUser(argv, needed + 1, takesValue)
}
