/** Names which a wildcard or a regular expression matches. No pattern, however odd, keeps the program busy for long. */
import { createContext, runInContext } from 'node:vm'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import { parsePattern } from './syntax/pattern.ts'
import { expandRanges } from './syntax/ranges.ts'

/** A step through a name: from all places reached so far to all which can be reached next. */
type Step = (name: string, from: ReadonlySet<number>) => ReadonlySet<number>

/**
 * A test for the pattern of a `wildcard` leaf: `*` is any text, `?` one character, `[1-4]` any of these numbers as written
 * (`n?[08-12]` matches `nx08`, not `nx8`). The whole name is matched. Throws `EXPRESSION` when the brackets are wrong.
 */
export const globMatcher = (pattern: string): ((name: string) => boolean) => {
  const steps = stepsOf(pattern)
  return name => {
    let places: ReadonlySet<number> = new Set([0])
    for (const step of steps) {
      places = step(name, places)
      if (places.size === 0) return false
    }
    return places.has(name.length)
  }
}

const stepsOf = (pattern: string): readonly Step[] => {
  const { texts, ranges } = parsePattern(pattern)
  return texts.flatMap((text, i) => {
    const range = ranges[i]
    const steps = text
      .split(/([*?])/)
      .map(part => (part === '*' ? anything : part === '?' ? oneCharacter : literal(part)))
    return range ? [...steps, oneOf(expandRanges(range))] : steps
  })
}

const literal =
  (text: string): Step =>
  (name, from) =>
    new Set(
      from
        .values()
        .filter(place => name.startsWith(text, place))
        .map(place => place + text.length),
    )

const anything: Step = (name, from) => {
  const first = Math.min(...from)
  return new Set(Array.from({ length: name.length - first + 1 }, (_, i) => first + i))
}

const oneCharacter: Step = (name, from) =>
  new Set(
    from
      .values()
      .filter(place => place < name.length)
      .map(place => place + ((name.codePointAt(place) ?? 0) > 0xffff ? 2 : 1)),
  )

const oneOf = (words: readonly string[]): Step => {
  const known = new Set(words)
  const lengths = [...new Set(words.map(word => word.length))]
  return (name, from) =>
    new Set(
      from
        .values()
        .flatMap(place =>
          lengths.filter(length => known.has(name.slice(place, place + length))).map(length => place + length),
        ),
    )
}

const REGEX_LIMIT_MS = 1_000

/**
 * Those of the names in which the source of a `regex` leaf is found. The source is not anchored. Throws `EXPRESSION` when
 * matching takes longer than a second, as nested repetitions can.
 */
export const matchRegex = (source: string, names: readonly string[]): readonly string[] => {
  const found: string[] = []
  // Only code run through node:vm can be stopped in the middle of a match. The source is passed as data.
  const context = createContext({ found, names, regex: new RegExp(source, 'u') })
  try {
    runInContext('for (const name of names) if (regex.test(name)) found.push(name)', context, {
      timeout: REGEX_LIMIT_MS,
    })
  } catch (cause) {
    throw new StokerError(
      'EXPRESSION',
      shown(source),
      `/${source}/ takes longer than ${REGEX_LIMIT_MS / 1000} s on ${names.length} names; write it without a repetition inside a repetition`,
      { cause },
    )
  }
  return found
}
