/** Command lines as Python's optparse reads them: ClusterShell's tools do, and what takes their flags has to. Pure. */

export interface Flag {
  /** `-w`, `--nodes`; the last one is the name it goes by. */
  readonly names: readonly string[]
  /** The name of the argument it takes. */
  readonly takes?: string
  readonly help: string
}

export interface Word {
  /** The last name of a flag; `undefined` for an operand. */
  readonly name: string | undefined
  /** As it was typed, for messages: `-w`, `--group`. */
  readonly typed: string
  readonly value: string
}

export interface Reading {
  readonly flags: readonly Flag[]
  /** Throws the error for a problem in optparse's words: `no such option: -z`. */
  readonly fail: (problem: string) => Error
  /** Asked at each operand: whether flags may follow it. Else all that follows is operands. */
  readonly interspersed: () => boolean
}

/**
 * Flags and operands in their order: short flags in one word (`-GL`, `-I0`), long ones shortened, with their value behind `=` or
 * in the next word. `-` and negative numbers are operands; behind `--` everything is.
 */
export function* optparse(argv: readonly string[], { flags, fail, interspersed }: Reading): Generator<Word, void> {
  const rest = [...argv]
  const operand = (value: string): Word => ({ name: undefined, typed: '', value })
  const argumentOf = (name: string): string => {
    const value = rest.shift()
    if (value === undefined) throw fail(`${name} option requires 1 argument`)
    return value
  }
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      for (const value of rest.splice(0)) yield operand(value)
    } else if (word.startsWith('--')) {
      const [, typed = '', value] = /^(--[^=]*)(?:=(.*))?$/s.exec(word) ?? []
      const { names, takes } = longFlag(typed, flags, fail)
      const [name = typed] = names.slice(-1)
      if (!takes && value !== undefined) throw fail(`${name} option does not take a value`)
      yield { name, typed: name, value: takes ? (value ?? argumentOf(name)) : '' }
    } else if (/^-[^\d]/.test(word)) {
      for (let i = 1; i < word.length; i++) {
        const typed = `-${word[i]}`
        const flag = flags.find(one => one.names.includes(typed))
        if (!flag) throw fail(`no such option: ${typed}`)
        const name = flag.names.at(-1)
        if (!flag.takes) {
          yield { name, typed, value: '' }
          continue
        }
        yield { name, typed, value: i + 1 < word.length ? word.slice(i + 1) : argumentOf(typed) }
        break
      }
    } else {
      yield operand(word)
      if (!interspersed()) for (const value of rest.splice(0)) yield operand(value)
    }
  }
}

/** The flag which a long name, or the start of one, means. */
const longFlag = (typed: string, flags: readonly Flag[], fail: Reading['fail']): Flag => {
  const candidates = flags.flatMap(flag =>
    flag.names.filter(name => name.startsWith('--') && name.startsWith(typed)).map(name => ({ name, flag })),
  )
  const exact = candidates.find(({ name }) => name === typed)
  if (exact) return exact.flag
  if (candidates.length > 1) {
    const names = candidates.map(({ name }) => name).sort()
    throw fail(`ambiguous option: ${typed} (${names.join(', ')}?)`)
  }
  if (candidates[0]) return candidates[0].flag
  throw fail(`no such option: ${typed}`)
}

/** What `--help` prints: the line of usage, and the flags by section. */
export const helpText = (usage: string, sections: Readonly<Record<string, readonly Flag[]>>): string => {
  const texts = Object.entries(sections).map(([title, flags]) => {
    const lines = flags.map(({ names, takes, help }) => {
      const spelled = names
        .map(name => (takes ? `${name}${name.startsWith('--') ? '=' : ' '}${takes}` : name))
        .join(', ')
      return `  ${spelled.padEnd(36)} ${help}\n`
    })
    return `\n${title}:\n${lines.join('')}`
  })
  return `${usage}\n${texts.join('')}`
}
