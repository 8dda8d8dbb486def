/** What can be typed where: a command's words and what they stand for, ready to be written down for a shell. Pure. */
import type { CommandNode, OptionNode } from '../help/command-tree.ts'

/** What a value is: one of some words, a name which is asked for, a file, or anything. */
export type ValueKind =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'actions' }
  | { readonly kind: 'targets' }
  | { readonly kind: 'files' }
  | { readonly kind: 'any' }

export interface Flag {
  readonly words: readonly string[]
  readonly description: string
  /** `undefined`: it takes no value, or one which may be left out. */
  readonly value: ValueKind | undefined
}

/** One command: `runs show` has the path `['runs', 'show']`, the program itself an empty one. */
export interface Row {
  readonly path: readonly string[]
  readonly commands: readonly { readonly name: string; readonly description: string }[]
  readonly flags: readonly Flag[]
  /** Of the arguments in their order; the last one counts for all which follow. */
  readonly values: readonly ValueKind[]
}

/** The program and all its commands, parents first. */
export const completionTable = (program: CommandNode): readonly Row[] => rows(program, [], [])

const rows = (command: CommandNode, path: readonly string[], global: readonly OptionNode[]): readonly Row[] => {
  const options = [...command.options, ...global.filter(({ words }) => !command.options.some(one => same(one, words)))]
  const last = command.arguments.at(-1)
  const values = command.arguments.map(({ name, choices }) => kindOf(name, choices))
  return [
    {
      path,
      commands: command.commands.map(({ name, description }) => ({ name, description })),
      flags: options.map(({ words, summary, value, isOptional, choices }) => {
        return {
          words,
          description: summary,
          value: value === undefined || isOptional ? undefined : kindOf(value, choices),
        }
      }),
      values: last?.isVariadic ? values : [...values, ANY],
    },
    ...command.commands.flatMap(one => rows(one, [...path, one.name], path.length === 0 ? command.options : global)),
  ]
}

const same = (option: OptionNode, words: readonly string[]): boolean => option.words.some(word => words.includes(word))

const ANY: ValueKind = { kind: 'any' }

/** By the word which stands for the value in the help. */
const kindOf = (name: string, choices: readonly string[]): ValueKind => {
  if (choices.length > 0) return { kind: 'words', words: choices }
  if (name === 'action') return { kind: 'actions' }
  if (name === 'targets') return { kind: 'targets' }
  if (/^(?:file|folder|policy|path)$/.test(name)) return { kind: 'files' }
  return ANY
}
