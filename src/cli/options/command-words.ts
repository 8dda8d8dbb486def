/**
 * The words of a command line, made plain for a parser which knows less than a person does: an option whose value may be left
 * out is told from what follows it, and options end where an action's own words begin. Pure.
 */

/** As much of commander's `Option` as is looked at. */
export interface OptionLike {
  readonly long?: string | undefined
  readonly short?: string | undefined
  /** Whether it takes a value, always. */
  readonly required: boolean
}

/** As much of commander's `Argument` as is looked at. */
export interface ArgumentLike {
  readonly required: boolean
  readonly variadic: boolean
  name(): string
}

/** As much of commander's `Command` as is looked at. */
export interface CommandLike {
  readonly options: readonly OptionLike[]
  readonly registeredArguments: readonly ArgumentLike[]
  readonly commands: readonly CommandLike[]
  name(): string
  aliases?(): readonly string[]
}

/**
 * The words with each `--become` and `--confirm` that has no value as `--become=`, `--confirm=`, and with a `--` before the
 * first word of an action's argument: what follows it is the action's, whatever it looks like.
 *
 * - `run --become shell web1`: a shell, as root. A user stands behind a `=`, or after the targets and before `--` or the end.
 * - `run shell web1 ls -la /`: `-la` is a word of the command; in `run shell web1 -b ls -la` `-b` is ours.
 */
export const commandWords = (program: CommandLike, words: readonly string[]): readonly string[] => {
  const out: string[] = []
  let command: CommandLike | undefined
  let plain = 0
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] as string
    const rest = words.slice(i + 1)
    if (word === '--') return [...out, ...words.slice(i)]
    if (word.startsWith('-') && word.length > 1) {
      const options = [...program.options, ...(command?.options ?? [])]
      const isComplete = command !== undefined && plain >= requiredOf(command)
      if (word === '--become' && !(isComplete && isUser(rest, takesWords(command)))) out.push('--become=')
      else if (word === '--confirm' && !/^\d+$/.test(rest[0] ?? '')) out.push('--confirm=')
      else {
        out.push(word)
        const hasValue = ['--become', '--confirm'].includes(word) || takesNext(word, options)
        if (hasValue && i + 1 < words.length) out.push(words[++i] as string)
      }
      continue
    }
    if (command === undefined) {
      command = program.commands.find(one => [one.name(), ...(one.aliases?.() ?? [])].includes(word))
      // Whatever is wrong, or comes below it, is the parser's to tell.
      if (!command || command.commands.length > 0) return [...out, ...words.slice(i)]
    } else if (plain >= requiredOf(command) && takesWords(command)) return [...out, '--', ...words.slice(i)]
    else plain += 1
    out.push(word)
  }
  return out
}

const requiredOf = ({ registeredArguments }: CommandLike): number =>
  registeredArguments.filter(argument => argument.required).length

/** Whether the command ends in somebody else's words: what an action takes, or a command line. */
const takesWords = (command: CommandLike | undefined): boolean => {
  const last = command?.registeredArguments.at(-1)
  return last?.variadic === true && ['argument', 'command'].includes(last.name())
}

const isUser = ([next = '', after]: readonly string[], takesWords: boolean): boolean =>
  /^[\p{L}_][\p{L}\p{N}_.$-]*$/u.test(next) && (!takesWords || after === undefined || after === '--')

/** Whether the option's value is the next word: `--fanout 5`, `-f 5`, `-bf 5`, but not `--fanout=5`, `-f5`. */
const takesNext = (word: string, options: readonly OptionLike[]): boolean => {
  if (word.startsWith('--')) return options.some(option => option.required && option.long === word)
  for (const [at, letter] of [...word.slice(1)].entries()) {
    const option = options.find(one => one.short === `-${letter}`)
    if (option?.required) return at === word.length - 2
  }
  return false
}
