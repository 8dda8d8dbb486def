/** One operand with brackets, such as `x[1-4]y[01-10]-ib0`: texts and range lists in turn. */
import { MAX_DIGITS } from './limits.ts'
import { refuse } from './place.ts'
import { countRanges, expandRanges, isPadded, parseRanges, type Range } from './ranges.ts'

/** Starts and ends with a text, which may be empty; texts and range lists alternate. */
export interface Pattern {
  readonly texts: readonly string[]
  /** Between `texts[i]` and `texts[i + 1]`. */
  readonly ranges: readonly (readonly Range[])[]
}

/**
 * Parses `whole.slice(from, to)`. Digits beside a bracket belong to the number: `n1[0-9]0` is n100, n110 ... n190. Throws
 * `EXPRESSION` with the column: unbalanced brackets, brackets with nothing between them, and digits beside a range where
 * it is not clear which numbers are meant.
 */
export const parsePattern = (whole: string, from: number, to: number): Pattern => {
  const texts: string[] = []
  const ranges: (readonly Range[])[] = []
  let at = from
  for (;;) {
    const open = indexWithin(whole, '[', at, to)
    const stray = indexWithin(whole, ']', at, open)
    if (stray < open) throw refuse(whole, stray, 'a "]" without its "["')
    texts.push(whole.slice(at, open))
    if (open === to) break
    const close = indexWithin(whole, ']', open, to)
    const nested = indexWithin(whole, '[', open + 1, close)
    if (nested < close) throw refuse(whole, nested, 'a "[" inside brackets')
    if (close === to) throw refuse(whole, open, 'the "[" is not closed; a "]" is expected')
    ranges.push(parseRanges(whole, open + 1, close))
    at = close + 1
    if (indexWithin(whole, '[', at, to) < to && /^\d*$/.test(whole.slice(at, whole.indexOf('[', at))))
      throw refuse(whole, at, 'two brackets need something other than digits between them')
  }
  for (const [i, list] of ranges.entries()) {
    const before = /\d*$/.exec(texts[i] ?? '')?.[0] ?? ''
    const after = /^\d*/.exec(texts[i + 1] ?? '')?.[0] ?? ''
    if (before || after) for (const range of list) checkGlued(whole, before, range, after)
  }
  return { texts, ranges }
}

const indexWithin = (whole: string, char: string, from: number, to: number): number => {
  const found = whole.indexOf(char, from)
  return found < 0 || found > to ? to : found
}

/** Digits are put beside every element; where that would be no range of numbers any more, it is refused. */
const checkGlued = (whole: string, before: string, range: Range, after: string): void => {
  const fail = (problem: string) => refuse(whole, range.offset, problem)
  const low = range.kind === 'one' ? range.index : String(range.first).padStart(range.width, '0')
  const high = range.kind === 'one' ? range.index : String(range.last).padStart(range.width, '0')
  if (low.startsWith('-')) throw fail('negative numbers cannot have digits beside their brackets')
  if (before.length + high.length + after.length > MAX_DIGITS)
    throw fail(`with the digits beside it the number has more than ${MAX_DIGITS} digits`)
  if (range.kind === 'one') return
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
    const endings = expandRanges(list).map(index => `${index}${texts[i + 1] ?? ''}`)
    names = names.flatMap(name => endings.map(ending => `${name}${ending}`))
  }
  return names
}
