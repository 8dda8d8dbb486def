/** Command lines as getopt(3) reads them with POSIXLY_CORRECT: flags of one letter, up to the first operand. Pure. */

export interface Letters {
  /** Each flag's letter; `true` for one which takes a value. */
  readonly letters: Readonly<Record<string, boolean>>
  /** Throws the error for a problem in getopt's words: `invalid option -- 'z'`. */
  readonly fail: (problem: string) => Error
}

export interface Read {
  readonly flags: readonly { readonly letter: string; readonly value: string }[]
  readonly operands: readonly string[]
}

export const getopt = (argv: readonly string[], { letters, fail }: Letters): Read => {
  const flags: { letter: string; value: string }[] = []
  const rest = [...argv]
  for (let word = rest[0]; word !== undefined && /^-./.test(word); word = rest[0]) {
    rest.shift()
    if (word === '--') break
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i)
      if (!Object.hasOwn(letters, letter)) throw fail(`invalid option -- '${letter}'`)
      if (!letters[letter]) {
        flags.push({ letter, value: '' })
        continue
      }
      const value = i + 1 < word.length ? word.slice(i + 1) : rest.shift()
      if (value === undefined) throw fail(`option requires an argument -- '${letter}'`)
      flags.push({ letter, value })
      break
    }
  }
  return { flags, operands: rest }
}
