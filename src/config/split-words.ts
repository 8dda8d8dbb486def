/** One text as words, quoted as in a shell. Pure. */
import { StokerError } from '../base/errors.ts'

/**
 * The words of a text: apart by blanks, tabs and newlines, with single quotes, double quotes and backslashes as POSIX has them
 * (XCU 2.2), and nothing of a shell beyond that: `$`, `*` and the like stand for themselves. `''` is an empty word. Throws
 * `ACTOR_OPTION` for a quote which does not end.
 */
export const splitWords = (text: string): readonly string[] => {
  const words: string[] = []
  let word: string | undefined
  let i = 0
  const until = (quote: string, escapes: string): void => {
    const start = i
    for (i += 1; text[i] !== quote; i += 1) {
      if (i >= text.length)
        throw new StokerError('ACTOR_OPTION', text.slice(start), `the quote in ${text.slice(start)} does not end`)
      if (text[i] === '\\' && escapes.includes(text[i + 1] ?? ' ')) i += 1
      word += text[i] ?? ''
    }
  }
  for (; i < text.length; i += 1) {
    const char = text[i] ?? ''
    if (/[ \t\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    word ??= ''
    if (char === "'") until("'", '')
    else if (char === '"') until('"', '"\\$`')
    else if (char === '\\' && i + 1 < text.length) word += text[++i] ?? ''
    else word += char
  }
  return word === undefined ? words : [...words, word]
}
