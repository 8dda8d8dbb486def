/** The completion script of a program for a shell. Pure. */
import type { CommandNode } from '../help/command-tree.ts'
import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import type { Shell } from './shells.ts'
import { completionTable } from './table.ts'
import { zshCompletion } from './zsh.ts'

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

/** The script; it asks the program itself for names, by its hidden command `complete`. */
export const completionScript = (shell: Shell, program: CommandNode): string =>
  SCRIPTS[shell](program.name, completionTable(program))
