/** The indices which one place of a name pattern takes (`1`, `2`, `08`), in order, and how they are written as ranges. */
import { isPadded } from '../syntax/ranges.ts'

/** Distinct indices: negative ones first, then by number of digits, then by value. A rank is a place in that order. */
export interface Axis {
  readonly size: number
  text(rank: number): string
  digits(rank: number): number
  padded(rank: number): boolean
  /** The difference of two values; `NaN` when it is beyond exact numbers. */
  gap(from: number, to: number): number
}

/** The axis of distinct indices, each digits or a dash and digits without padding. */
export const axisOf = (indices: readonly string[]): Axis => {
  const keys = new Float64Array(indices.length)
  for (let i = 0; i < indices.length; i++) {
    const key = keyOf(indices[i] as string, 0, (indices[i] as string).length)
    if (key === undefined) return longAxis(indices)
    keys[i] = key
  }
  return axisOfKeys(keys)
}

// One double holds the number of digits and the value, so that a native sort of doubles gives the order.
const SHORT = 14
const UNIT = 10 ** SHORT

/** The key of the index at `from` to `to` of a text; `undefined` when it is too long for one, or no index. */
export const keyOf = (text: string, from: number, to: number): number | undefined => {
  const negative = text.charCodeAt(from) === 0x2d
  const start = negative ? from + 1 : from
  if (to - start > SHORT || to === start) return undefined
  let value = 0
  for (let i = start; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return negative ? -value : (to - start) * UNIT + value
}

/** The axis of distinct keys; sorts them in place. */
export const axisOfKeys = (keys: Float64Array): Axis => {
  keys.sort()
  const key = (rank: number) => keys[rank] as number
  const value = (rank: number) => (key(rank) < 0 ? key(rank) : key(rank) % UNIT)
  const digits = (rank: number) => (key(rank) < 0 ? 0 : Math.floor(key(rank) / UNIT))
  const padded = (rank: number) => digits(rank) > 1 && value(rank) < 10 ** (digits(rank) - 1)
  return {
    size: keys.length,
    text: rank => (padded(rank) ? String(value(rank)).padStart(digits(rank), '0') : String(value(rank))),
    digits,
    padded,
    gap: (from, to) => value(to) - value(from),
  }
}

const longAxis = (indices: readonly string[]): Axis => {
  const negative = indices
    .filter(index => index.startsWith('-'))
    .sort(byLengthThenText)
    .reverse()
  const sorted = [...negative, ...indices.filter(index => !index.startsWith('-')).sort(byLengthThenText)]
  const text = (rank: number) => sorted[rank] ?? ''
  return {
    size: sorted.length,
    text,
    digits: rank => (text(rank).startsWith('-') ? 0 : text(rank).length),
    padded: rank => isPadded(text(rank)),
    gap: (from, to) => {
      const gap = Number(BigInt(text(to)) - BigInt(text(from)))
      return Number.isSafeInteger(gap) ? gap : Number.NaN
    },
  }
}

const byLengthThenText = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1)

/** Elements `from` to `to` of a list of ranks, every `step` apart in value; a single one has `from` equal to `to`. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly step: number
}

/**
 * Cuts ascending ranks into runs, greedily from the left. Neighbours always form a run; other steps do when at least
 * `autostep` elements follow one another (`Infinity`: never). Where padding changes, a run ends.
 */
export const runs = (axis: Axis, ranks: ArrayLike<number>, autostep = Number.POSITIVE_INFINITY): Run[] => {
  const found: Run[] = []
  const rank = (i: number) => ranks[i] as number
  let start = 0
  let step: number | undefined
  for (let i = 1; i <= ranks.length; i++) {
    const alike = i < ranks.length && samePadding(axis, rank(start), rank(i))
    const gap = alike ? axis.gap(rank(i - 1), rank(i)) : Number.NaN
    if (alike && (step === undefined || step === gap)) {
      step = gap
      continue
    }
    if (step === 1 || (step !== undefined && i - start >= autostep)) {
      found.push({ from: start, to: i - 1, step })
      start = i
    } else {
      const end = alike ? i - 1 : i // the last one may begin the next run
      for (; start < end; start++) found.push({ from: start, to: start, step: 1 })
    }
    step = alike ? gap : undefined
  }
  return found
}

const samePadding = (axis: Axis, start: number, next: number): boolean =>
  axis.padded(start) ? axis.digits(next) === axis.digits(start) : !axis.padded(next)

/** The range list, without brackets: `1-5,08,10-20/2`. */
export const foldRanks = (axis: Axis, ranks: ArrayLike<number>, autostep?: number): string =>
  runs(axis, ranks, autostep)
    .map(({ from, to, step }) => {
      const first = axis.text(ranks[from] as number)
      if (from === to) return first
      return `${first}-${axis.text(ranks[to] as number)}${step === 1 ? '' : `/${step}`}`
    })
    .join(',')
