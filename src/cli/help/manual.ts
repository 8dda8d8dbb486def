/** A manual page of a program: man(7) text, made of what its `--help` says. Pure. */
import type { ArgumentNode, CommandNode, OptionNode } from './command-tree.ts'

export interface ManualOptions {
  readonly version: string
  /** `2026-11-21`: when the page was made. */
  readonly date?: string
  /** Sections after the commands: a title, and what stands below it. */
  readonly sections?: readonly (readonly [title: string, entries: readonly Entry[]])[]
}

/** A term and what it means. */
export type Entry = readonly [term: string, meaning: string]

/** The page, of section 1. */
export const manual = (program: CommandNode, { version, date = '', sections = [] }: ManualOptions): string =>
  `${[
    `.TH ${program.name.toUpperCase()} 1 "${date}" "${escaped(`${program.name} ${version}`)}" "User Commands"`,
    '.nh',
    '.SH NAME',
    `${escaped(program.name)} \\- ${escaped(withoutStop(program.description))}`,
    '.SH SYNOPSIS',
    `.B ${escaped(program.name)}`,
    line(program.usage),
    '.SH OPTIONS',
    ...program.options.flatMap(optionEntry),
    '.SH COMMANDS',
    ...program.commands.flatMap(command => commandPart(program.name, command)),
    ...sections.flatMap(([title, entries]) => [`.SH ${escaped(title)}`, ...entries.flatMap(entry)]),
  ].join('\n')}\n`

/** A command, or in its place those which it stands for. */
const commandPart = (before: string, command: CommandNode): readonly string[] => {
  const path = `${before} ${command.name}`
  if (command.commands.length > 0) return command.commands.flatMap(one => commandPart(path, one))
  return [
    `.SS "${escaped(`${path} ${command.usage}`).replaceAll('"', '\\(dq')}"`,
    line(sentence(command.description)),
    ...command.arguments.filter(({ description }) => description !== '').flatMap(argumentEntry),
    ...command.options.flatMap(optionEntry),
  ]
}

const argumentEntry = ({ name, description }: ArgumentNode): readonly string[] => entry([name, description])

const optionEntry = ({ flags, description }: OptionNode): readonly string[] => entry([flags, description])

const entry = ([term, meaning]: Entry): readonly string[] => ['.TP', `.B ${escaped(term)}`, line(meaning)]

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`

const withoutStop = (text: string): string => text.replace(/\.$/, '')

/** A line which is no request, whatever it begins with. */
const line = (text: string): string => (text === '' ? '\\&' : escaped(text).replace(/^[.']/, '\\&$&'))

/** Backslashes and hyphens as they are, also where a page is searched or copied from; one line. */
const escaped = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('`', '\\(ga')
