/** What can be typed after a program's name, as plain data: help, completion and manual are made of one source. Pure. */
import { describeArgument, describeOption, type OptionLike } from './describe-option.ts'

/** An option, as `--help` shows it. */
export interface OptionNode {
  /** `-f, --fanout <n>` */
  readonly flags: string
  /** `-f`, `--fanout`: the ways to write it. */
  readonly words: readonly string[]
  /** What it does, without its choices and default. */
  readonly summary: string
  /** As the help tells it, with these. */
  readonly description: string
  /** What stands for its value, without brackets: `n`; `undefined` when it takes none. */
  readonly value: string | undefined
  /** Whether the value may be left out. */
  readonly isOptional: boolean
  readonly choices: readonly string[]
}

export interface ArgumentNode {
  readonly name: string
  readonly description: string
  readonly isVariadic: boolean
  readonly choices: readonly string[]
}

/** A program, or one of its commands. */
export interface CommandNode {
  readonly name: string
  readonly description: string
  /** What stands after its name in the line of usage. */
  readonly usage: string
  readonly options: readonly OptionNode[]
  readonly arguments: readonly ArgumentNode[]
  readonly commands: readonly CommandNode[]
}

/** As much of commander's `Command` as is looked at. */
export interface CommandLike {
  name(): string
  description(): string
  usage(): string
  readonly commands: readonly CommandLike[]
  readonly registeredArguments: readonly {
    name(): string
    readonly description: string
    readonly variadic: boolean
    readonly argChoices?: readonly string[]
  }[]
  createHelp(): {
    // `never`: its own kind of command, whatever that is.
    visibleCommands(command: never): readonly CommandLike[]
    visibleOptions(command: never): readonly OptionLike[]
  }
}

/** The command and all below it; hidden ones, and the `help` which each has, are left out. */
export const commandTree = (command: CommandLike): CommandNode => {
  const help = command.createHelp()
  const commands = help.visibleCommands(command as never).filter(one => one.name() !== 'help')
  return {
    name: command.name(),
    description: command.description(),
    usage: command.usage(),
    options: help.visibleOptions(command as never).map(optionNode),
    arguments: command.registeredArguments.map(argument => ({
      ...{ name: argument.name(), description: describeArgument(argument) },
      ...{ isVariadic: argument.variadic, choices: argument.argChoices ?? [] },
    })),
    commands: commands.map(commandTree),
  }
}

const optionNode = (option: OptionLike): OptionNode => {
  const { flags, short, long, description, required, optional, argChoices = [] } = option
  return {
    ...{ flags, summary: description, description: describeOption(option) },
    words: [short, long].filter(word => word !== undefined),
    value: required || optional ? /[<[]([^>\]]*)[>\]]/.exec(flags)?.[1] : undefined,
    isOptional: optional,
    choices: argChoices,
  }
}
