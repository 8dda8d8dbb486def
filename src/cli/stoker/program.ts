/** What can be typed after `stoker`, and which command it means. Each command is loaded when it is used. */
import type { Command } from 'commander'
import { newProgram, type Program } from '../new-program.ts'
import { withBareConfirm, withBecomeUser } from '../options/optional-values.ts'
import { CONFIG } from '../options/shared.ts'
import { addCompletion } from './completion.ts'
import { addFaces } from './faces.ts'
import { addInventory } from './inventory.ts'
import { addLab } from './lab.ts'
import { addPush } from './push.ts'
import { addRender } from './render.ts'
import { addRuns } from './runs.ts'

/** Parses the words and runs the command they ask for; returns its exit code. Throws what it throws, and commander's own errors. */
export const runStoker = async (argv: readonly string[]): Promise<number> => {
  const { program, exitCode } = stokerProgram()
  await program.parseAsync(withBareConfirm(becomeWords(program, argv)) as string[], { from: 'user' })
  return exitCode()
}

/** All of `stoker`. */
export const stokerProgram = (): Program =>
  newProgram(
    'stoker',
    'act on many machines at once: warehouses say which machines there are, actors what to do on them',
    (program, setExitCode) => {
      program.addOption(CONFIG)
      for (const add of [addPush, addFaces, addRuns, addInventory, addRender, addLab, addCompletion])
        add(program, setExitCode)
    },
  )

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
