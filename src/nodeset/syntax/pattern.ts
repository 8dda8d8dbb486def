/** One operand with brackets, such as `x[1-4]y[01-10]-ib0`: texts and range lists in turn. */
import { MAX_DIGITS } from './limits.ts'
import { countRanges, expandRanges, isPadded, parseRanges, type Range } from './ranges.ts'
import { type Place, refuseAt } from './source-location.ts'

/** Starts and ends with a text, which may be empty; texts and range lists alternate. */
export interface Pattern {
  readonly texts: readonly string[]
  /** Between `texts[i]` and `texts[i + 1]`. */
  readonly ranges: readonly (readonly Range[])[]
}

/**
 * Parses a word. Digits beside a bracket belong to the number: `n1[0-9]0` is n100, n110 ... n190. Throws `EXPRESSION` with
 * the column in `place`: unbalanced brackets, brackets with nothing between them, and digits beside a range where it is
 * not clear which numbers are meant.
 */
export const parsePattern = (word: string, place: Place = { text: word, at: 0 }): Pattern => {
  const [first = '', ...pieces] = word.split('[')
  const fail = (offset: number, problem: string) => refuseAt(place, offset, problem)
  if (first.includes(']')) throw fail(first.indexOf(']'), 'a "]" without its "["')
  const texts = [first]
  const ranges: (readonly Range[])[] = []
  let open = first.length
  for (const [i, piece] of pieces.entries()) {
    const [list = '', text, stray] = piece.split(']', 3)
    const close = open + 1 + list.length
    if (text === undefined)
      throw i + 1 < pieces.length
        ? fail(close, 'a "[" inside brackets')
        : fail(open, 'the "[" is not closed; a "]" is expected')
    if (stray !== undefined) throw fail(close + 1 + text.length, 'a "]" without its "["')
    if (i + 1 < pieces.length && /^\d*$/.test(text))
      throw fail(close + 1, 'two brackets need something other than digits between them')
    const inside = { text: place.text, at: place.at + open + 1 }
    const parsed = parseRanges(list, inside)
    const before = /\d*$/.exec(texts.at(-1) ?? '')?.[0] ?? ''
    const after = /^\d*/.exec(text)?.[0] ?? ''
    if (before || after) for (const range of parsed) checkGlued(before, range, after, inside)
    ranges.push(parsed)
    texts.push(text)
    open = close + 1 + text.length
  }
  return { texts, ranges }
}

/** Digits are put beside every element; where that would be no range of numbers any more, it is refused. */
const checkGlued = (before: string, range: Range, after: string, place: Place): void => {
  const fail = (problem: string) => refuseAt(place, range.offset, problem)
  const bounds =
    range.kind === 'indices'
      ? range.indices
      : [range.first, range.last].map(bound => String(bound).padStart(range.width, '0'))
  if (bounds.some(bound => bound.startsWith('-')))
    throw fail('negative numbers cannot have digits beside their brackets')
  if (bounds.some(bound => before.length + bound.length + after.length > MAX_DIGITS))
    throw fail(`with the digits beside it the number has more than ${MAX_DIGITS} digits`)
  if (range.kind === 'indices') return
  const [low = '', high = ''] = bounds
  if (after && range.step !== 1n)
    throw fail(`a range with a step cannot be followed by the digits ${after}; write out the numbers`)
  const growsPadded = isPadded(`${before}${low}${after}`)
  if (low.length !== high.length && range.step === 1n && (before || growsPadded))
    throw fail(
      `beside digits, the bounds ${low} and ${high} must have the same number of digits; write the range in full or split it`,
    )
}

/** How many names the pattern writes out; may be `Infinity`. */
export const countPattern = (pattern: Pattern): number =>
  pattern.ranges.reduce((count, list) => count * countRanges(list), 1)

/** All names in the order written, the last bracket running fastest. Ask `countPattern` first. */
export const expandPattern = ({ texts, ranges }: Pattern): readonly string[] => {
  let names: readonly string[] = [texts[0] ?? '']
  for (const [i, list] of ranges.entries()) {
    const indices = expandRanges(list)
    const text = texts[i + 1] ?? ''
    const longer: string[] = []
    for (const name of names) for (const index of indices) longer.push(`${name}${index}${text}`)
    names = longer
  }
  return names
}
