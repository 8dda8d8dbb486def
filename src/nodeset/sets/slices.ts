/** Parts of an ordered list of names. */
import { parseRanges } from '../syntax/ranges.ts'

/** The names at the places, counted from 0, of a range list such as `0-9/2,16`; places beyond the end are left out. */
export const slice = (names: readonly string[], places: string): readonly string[] => {
  const chosen = new Set<number>()
  for (const range of parseRanges(places)) {
    if (range.kind === 'indices') {
      for (const index of range.indices) chosen.add(Number(index))
      continue
    }
    // Only the part of the range within the list is walked.
    const { first, step } = range
    const from = first < 0n ? first + ((-first + step - 1n) / step) * step : first
    const last = Math.min(Number(range.last), names.length - 1)
    for (let place = Number(from); place <= last; place += Number(step)) chosen.add(place)
  }
  return names.filter((_, place) => chosen.has(place))
}

/** At most `count` parts of nearly the same size, the larger ones first. */
export const split = (names: readonly string[], count: number): readonly (readonly string[])[] => {
  const parts: (readonly string[])[] = []
  const size = Math.floor(names.length / count)
  const larger = names.length % count
  for (let at = 0; at < names.length; ) {
    const end = at + size + (parts.length < larger ? 1 : 0)
    parts.push(names.slice(at, end))
    at = end
  }
  return parts
}
