/** Completion for fish. Pure. */
import type { Flag, Row, ValueKind } from './table.ts'

/** A script for fish, to be sourced. */
export const fishCompletion = (program: string, table: readonly Row[]): string =>
  [
    `# Completion of ${program} for fish.`,
    `complete -c ${program} -e`,
    `complete -c ${program} -f`,
    // What an action takes is its own.
    `complete -c ${program} -n 'contains -- -- (commandline -opc)' -F`,
    placeFunction(program, table),
    namesFunction(program),
    ...table.flatMap(row => rowLines(program, row)),
    '',
  ].join('\n')

/** Says whether the cursor stands in a command, at one of its arguments: `''` for any of them. */
const placeFunction = (program: string, table: readonly Row[]): string => `function __${program}_at
    # $argv: the command's words as one, and the number of the argument from 0.
    set -l words (commandline -opc)
    set -l command_path
    set -l n 0
    set -l i 2
    while test $i -le (count $words)
        set -l word $words[$i]
        if test "$word" = --
            return 1
        else if string match -q -- '-*' $word
            contains -- "$command_path|$word" ${table.flatMap(valuedFlags).map(quoteForFish).join(' ')}
            and set i (math $i + 1)
        else if test $n -eq 0; and contains -- (string trim "$command_path $word") ${table
          .filter(({ path }) => path.length > 0)
          .map(({ path }) => quoteForFish(path.join(' ')))
          .join(' ')}
            set command_path (string trim "$command_path $word")
        else
            set n (math $n + 1)
        end
        set i (math $i + 1)
    end
    test "$command_path" = "$argv[1]"
    or return 1
    test -z "$argv[2]"
    or test $n -eq $argv[2]
    or begin
        test "$argv[3]" = more
        and test $n -gt $argv[2]
    end
end`

const namesFunction = (program: string): string => `function __${program}_names
    set -l words (commandline -opc)
    set -l config
    if set -l at (contains -i -- --config $words)
        set config --config $words[(math $at + 1)]
    end
    # The names of an expression stand between its operators.
    set -l before
    test $argv[1] = groups
    and set before (string match -r -- '^.*[,!&^]' (commandline -ct))
    for name in ($words[1] $config complete $argv[1] 2>/dev/null)
        echo "$before$name"
    end
end`

const valuedFlags = ({ path, flags }: Row): readonly string[] =>
  flags.filter(({ value }) => value).flatMap(({ words }) => words.map(word => `${path.join(' ')}|${word}`))

const rowLines = (program: string, { path, commands, flags, values }: Row): readonly string[] => {
  const name = path.join(' ')
  const at = (more: string) =>
    `complete -c ${program} -n ${quoteForFish(`__${program}_at ${quoteForFish(name)}${more}`)}`
  return [
    ...commands.map(command => `${at(' 0')} -a ${quoteForFish(command.name)} -d ${quoteForFish(command.description)}`),
    ...flags.map(flag => `${at('')} ${flagWords(program, flag)}`),
    ...values.flatMap((value, i) => {
      const source = sourceOf(program, value)
      const more = i === values.length - 1 && value.kind !== 'any' ? ' more' : ''
      if (value.kind === 'files') return [`${at(` ${i}${more}`)} -F`]
      return source === undefined ? [] : [`${at(` ${i}${more}`)} -a ${quoteForFish(source)}`]
    }),
  ]
}

const flagWords = (program: string, { words, description, value }: Flag): string => {
  const named = words.map(word => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`))
  const source = value && sourceOf(program, value)
  return [
    ...named,
    ...(value ? [value.kind === 'files' ? '-r -F' : '-x'] : []),
    ...(source === undefined ? [] : [`-a ${quoteForFish(source)}`]),
    `-d ${quoteForFish(description)}`,
  ].join(' ')
}

const sourceOf = (program: string, value: ValueKind): string | undefined => {
  if (value.kind === 'words') return value.words.join(' ')
  if (value.kind === 'actions') return `(__${program}_names actions)`
  return value.kind === 'targets' ? `(__${program}_names groups)` : undefined
}

/** One word of fish: in its single quotes only the quote and the backslash are special. */
const quoteForFish = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
