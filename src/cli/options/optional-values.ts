/** Options whose value may be left out, told from the words which follow them. Pure. */

/** What is known of the options: whether a word is one whose value is the next word. */
export type TakesValue = (word: string) => boolean

/**
 * The words, with a bare `--become` told from one with a user: the word after it is a user only where all that the command
 * needs stands before it; a bare one becomes `--become=`. So `run --become shell web1` runs a shell, and `run shell web1 --become www` becomes www.
 */
export const withBecomeUser = (words: readonly string[], needed: number, takesValue: TakesValue): readonly string[] => {
  const end = words.indexOf('--')
  const at = words.indexOf('--become')
  if (at < 0 || (end >= 0 && at > end)) return words
  const next = words[at + 1]
  if (next === undefined || next.startsWith('-')) return words
  const plain = words.slice(0, at).filter((word, i) => !word.startsWith('-') && !takesValue(words[i - 1] ?? ''))
  const isUser = plain.length >= needed && /^[\p{L}_][\p{L}\p{N}_.$-]*$/u.test(next)
  return isUser ? words : words.with(at, '--become=')
}

/** The words with a `--confirm` which has no number told from one which has: what comes after it may be the action. */
export const withBareConfirm = (words: readonly string[]): readonly string[] => {
  const end = words.indexOf('--')
  const at = words.indexOf('--confirm')
  const isBare = at >= 0 && (end < 0 || at < end) && !/^\d+$/.test(words[at + 1] ?? '')
  return isBare ? words.with(at, '--confirm=') : words
}
