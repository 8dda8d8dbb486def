/** The patterns of ssh_config(5) and sshd(8): `*` and `?`, everything else stands for itself. */

/** Whether a text matches. */
export type Pattern = (text: string) => boolean

/** One pattern, case-sensitive. A leading `!` has no meaning here: what negation does differs between the callers. */
export const pattern = (text: string): Pattern => {
  if (!isWild(text)) return candidate => candidate === text
  const source = text
    .replaceAll(/\*+/g, '*')
    .replaceAll(/[^*?]+/g, literal => literal.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&'))
    .replaceAll('?', '.')
    .replaceAll('*', '.*')
  const expression = new RegExp(`^${source}$`, 's')
  return candidate => expression.test(candidate)
}

/** Patterns separated by commas: one must match, and none of those negated with `!`. */
export const patternList = (text: string): Pattern => {
  const parts = text.split(',').map(part => ({
    negated: part.startsWith('!'),
    matches: pattern(part.startsWith('!') ? part.slice(1) : part),
  }))
  return candidate => {
    let found = false
    for (const { negated, matches } of parts) {
      if (!matches(candidate)) continue
      if (negated) return false
      found = true
    }
    return found
  }
}

/** Whether the text has a wildcard. */
export const isWild = (text: string): boolean => /[*?]/.test(text)
