/** The patterns of ssh_config(5) and sshd(8): `*` and `?`, everything else stands for itself. */

/** Whether a text matches. */
export type Pattern = (text: string) => boolean

/** One pattern, case-sensitive. A leading `!` has no meaning here: what negation does differs between the callers. */
export const pattern = (text: string): Pattern => {
  if (!isWild(text)) return candidate => candidate === text
  return candidate => fits(candidate, text)
}

/** Patterns separated by commas. */
export interface PatternList {
  /** Whether one matches, and none of those negated with `!`. */
  readonly matches: Pattern
  /** Whether one of those negated with `!` matches. */
  readonly forbids: Pattern
  /** Those which are neither negated nor have a wildcard. */
  readonly literals: ReadonlySet<string>
}

/** As to ssh, a list with a part of more than a thousand characters matches nothing that stands behind it, nor before. */
const LONGEST_PART = 1022

/** Patterns separated by commas, case-sensitive. */
export const parsePatternList = (text: string): PatternList => {
  const parts = text.split(',').map(part => {
    const negated = part.startsWith('!')
    const rest = negated ? part.slice(1) : part
    return { negated, rest, tooLong: rest.length > LONGEST_PART, matches: pattern(rest) }
  })
  const literals = parts.filter(({ negated, rest, tooLong }) => !negated && !tooLong && !isWild(rest))
  return {
    matches(candidate) {
      let found = false
      for (const { negated, tooLong, matches } of parts) {
        if (tooLong) return false
        if (!matches(candidate)) continue
        if (negated) return false
        found = true
      }
      return found
    },
    forbids: candidate => parts.some(({ negated, matches }) => negated && matches(candidate)),
    literals: new Set(literals.map(({ rest }) => rest)),
  }
}

/** Patterns separated by commas: one must match, and none of those negated with `!`. */
export const patternList = (text: string): Pattern => parsePatternList(text).matches

/** Whether the text has a wildcard. */
export const isWild = (text: string): boolean => /[*?]/.test(text)

/** Capitals of ASCII only, as ssh does it: a Kelvin sign is no k. */
export const lowerCase = (text: string): string => text.replaceAll(/[A-Z]+/g, capitals => capitals.toLowerCase())

/** A regular expression could take for ever over `*a*a*a*b`; going back to the last star alone is enough, and is quick. */
const fits = (candidate: string, wild: string): boolean => {
  let at = 0
  let to = 0
  let star = -1
  let starAt = 0
  while (at < candidate.length) {
    const wanted = wild[to]
    if (wanted === '*') {
      star = to++
      starAt = at
    } else if (wanted === '?' || wanted === candidate[at]) {
      to++
      at++
    } else if (star >= 0) {
      to = star + 1
      at = ++starAt
    } else return false
  }
  while (wild[to] === '*') to++
  return to === wild.length
}
