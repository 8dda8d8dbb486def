/** What can be typed after `stoker`, and which command it means. Each command is loaded when it is used. */
import { newProgram, type Program } from '../new-program.ts'
import { commandWords } from '../options/command-words.ts'
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
  await program.parseAsync(commandWords(program, argv) as string[], { from: 'user' })
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
