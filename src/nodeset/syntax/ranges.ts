/** Range lists: what stands between brackets, `1-5,08,10-20/2`. */
import { MAX_DIGITS, MAX_NAMES } from './limits.ts'
import { type Place, refuse, refuseAt } from './source-location.ts'

/** Part of a range list; `offset` is where it stands there. Every element keeps the padding it was written with. */
export type Range =
  | { readonly kind: 'indices'; readonly indices: readonly string[]; readonly offset: number }
  | {
      readonly kind: 'run'
      readonly first: bigint
      readonly last: bigint
      readonly step: bigint
      /** Digits of every element, where zeros are padded; else 0. */
      readonly width: number
      readonly offset: number
    }

const PLAIN = /^[0-9]+$/
const ENTRY = /^\s*(-?)(\d+)\s*(?:-\s*(-?)(\d+))?\s*(?:\/\s*(\d+))?\s*$/

/**
 * Parses a range list. Throws `EXPRESSION` naming the column in `place`: an empty entry, bounds the wrong way round, a step
 * without a range or of 0, padding of two lengths in one range, padded negative numbers.
 */
export const parseRanges = (list: string, place: Place = { text: list, at: 0 }): readonly Range[] => {
  const ranges: Range[] = []
  let plain: string[] | undefined
  let offset = 0
  for (const entry of list.split(',')) {
    if (entry.length > MAX_DIGITS || !PLAIN.test(entry)) {
      ranges.push(parseEntry(entry, offset, place))
      plain = undefined
    } else if (plain) {
      plain.push(entry)
    } else {
      plain = [entry]
      ranges.push({ kind: 'indices', indices: plain, offset })
    }
    offset += entry.length + 1
  }
  return ranges
}

const parseEntry = (entry: string, start: number, place: Place): Range => {
  const offset = start + (entry.length - entry.trimStart().length)
  const fail = (problem: string) => refuseAt(place, offset, problem)
  const parts = ENTRY.exec(entry)
  if (!parts) {
    if (entry.trim() === '') throw refuseAt(place, start, 'the range is empty; write a number or a range such as 1-5')
    throw fail(`bad range "${entry.trim()}"; write a number, a range such as 1-5 or a range with a step such as 1-9/2`)
  }
  const [, sign = '', first = '', lastSign = '', last, step] = parts
  if (Math.max(first.length, last?.length ?? 0) > MAX_DIGITS)
    throw fail(`the number has more than ${MAX_DIGITS} digits`)
  if (sign && isPadded(first)) throw fail(`negative numbers cannot be padded with zeros; write -${stripped(first)}`)
  if (step !== undefined && BigInt(step) === 0n) throw fail('the step is 0; it must be at least 1')
  if (last === undefined) {
    if (step !== undefined && !sign && BigInt(step) !== 1n)
      throw fail(`a step needs a range; write ${first}-.../${step}`)
    return { kind: 'indices', indices: [sign && BigInt(first) !== 0n ? `-${first}` : first], offset }
  }
  if ((isPadded(first) || isPadded(last)) && (first.length !== last.length || lastSign))
    throw fail(`the bounds ${first} and ${last} are padded to different lengths`)
  const low = BigInt(`${sign}${first}`)
  const high = BigInt(`${lastSign}${last}`)
  if (low > high) throw fail(`the range goes from ${low} down to ${high}; write the smaller number first`)
  return {
    kind: 'run',
    first: low,
    last: high,
    step: BigInt(step ?? 1),
    width: isPadded(first) ? first.length : 0,
    offset,
  }
}

const stripped = (digits: string): string => digits.replace(/^0+(?=\d)/, '')

/** Whether digits start with a zero which is not the number itself. */
export const isPadded = (digits: string): boolean => digits.length > 1 && digits.startsWith('0')

/** How many elements the list writes out, counting repeated ones; may be `Infinity`. */
export const countRanges = (ranges: readonly Range[]): number => {
  let count = 0
  for (const range of ranges)
    count += range.kind === 'indices' ? range.indices.length : Number((range.last - range.first) / range.step) + 1
  return count
}

/** All elements in the order written. Ask `countRanges` first. */
export const expandRanges = (ranges: readonly Range[]): string[] => {
  const indices: string[] = []
  for (const range of ranges) {
    if (range.kind === 'indices') {
      for (const index of range.indices) indices.push(index)
    } else if (range.last <= BigInt(Number.MAX_SAFE_INTEGER) && range.first >= -BigInt(Number.MAX_SAFE_INTEGER)) {
      const last = Number(range.last)
      const step = Number(range.step)
      for (let value = Number(range.first); value <= last; value += step)
        indices.push(range.width > 0 ? String(value).padStart(range.width, '0') : String(value))
    } else {
      for (let value = range.first; value <= range.last; value += range.step)
        indices.push(String(value).padStart(range.width, '0'))
    }
  }
  return indices
}

/** The elements of a range list on its own, such as `1-5,08`. Throws `EXPRESSION`, also above a million elements. */
export const parseRangeSet = (text: string): ReadonlySet<string> => {
  const ranges = parseRanges(text)
  const count = countRanges(ranges)
  if (count > MAX_NAMES) throw refuse(text, 0, `${count} numbers; at most ${MAX_NAMES} may be written out`)
  return new Set(expandRanges(ranges))
}
