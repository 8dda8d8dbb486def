/** Parts of an ordered list of names. */
import { parseRanges } from './ranges.ts'

/** The names at the places, counted from 0, of a range list such as `0-9/2,16`; places beyond the end are left out. */
export const slice = (names: readonly string[], places: string): readonly string[] => {
  const chosen = new Set<number>()
  for (const range of parseRanges(places)) {
    const first = range.kind === 'one' ? BigInt(range.index) : range.first
    const last = range.kind === 'one' ? first : range.last
    const step = range.kind === 'one' ? 1n : range.step
    // Only the part of the range within the list is walked.
    const from = first < 0n ? first + ((-first + step - 1n) / step) * step : first
    if (from >= BigInt(names.length)) continue
    const end = last < BigInt(names.length) ? Number(last) : names.length - 1
    const stride = step > BigInt(names.length) ? names.length : Number(step)
    for (let place = Number(from); place <= end; place += stride) chosen.add(place)
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
