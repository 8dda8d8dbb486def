/** Names which differ in their numbers only are a family: `x1y1`, `x1y2` and `x3y1` are of the family `x%sy%s`. */

import { MAX_DIGITS } from '../syntax/limits.ts'
import { type Axis, axisOf, axisOfKeys, keyOf } from './axis.ts'
import { type Box, merge } from './merge.ts'

/** A family and its members, as boxes: in every box, each index of one place goes with each of the others. */
export interface Family {
  /** The texts around the numbers, one more than there are places. A name without numbers has one text. */
  readonly texts: readonly string[]
  /** One for each place. */
  readonly axes: readonly Axis[]
  readonly boxes: readonly Box[]
}

interface Gathered {
  readonly texts: readonly string[]
  /** The members' indices as keys, of a family with one place and no long index. */
  readonly keys: number[]
  /** All other members. */
  readonly names: string[]
}

/** Families by their pattern; one of a single member so far is that name, as most are where names are irregular. */
type Patterns = Map<string, Gathered | string>

/** The families of distinct names, in the order in which they are written. */
export const families = (names: Iterable<string>): readonly Family[] => {
  const patterns = gather(names)
  joinNegative(patterns)
  return [...patterns.keys()].sort().map(pattern => {
    const found = patterns.get(pattern) as Gathered | string
    return typeof found === 'string' ? alone(found) : familyOf(found)
  })
}

const familyOf = ({ texts, keys, names }: Gathered): Family => {
  if (texts.length > 2) return inSeveralPlaces(texts, names)
  const [before = '', after = ''] = texts
  const short = axisOfKeys(Float64Array.from(keys))
  const axis =
    names.length === 0
      ? short
      : axisOf([
          ...all(short).map(short.text),
          ...names.map(name => name.slice(before.length, name.length - after.length)),
        ])
  return { texts, axes: [axis], boxes: [[all(axis)]] }
}

/** A name on its own is one text, whatever numbers it has. */
const alone = (name: string): Family => ({ texts: [name], axes: [], boxes: [[]] })

/** Bare indices as one family: what `--rangeset` computes with. */
export const rangeFamily = (indices: readonly string[]): Family => {
  const axis = axisOf(indices)
  return { texts: ['', ''], axes: [axis], boxes: indices.length === 0 ? [] : [[all(axis)]] }
}

const all = ({ size }: Axis): readonly number[] => {
  const ranks: number[] = []
  for (let rank = 0; rank < size; rank++) ranks.push(rank)
  return ranks
}

/** Digits of ASCII only: other scripts' digits are part of the text. */
const NUMBERS = /[0-9]+/g

const TOO_LONG = new RegExp(`[0-9]{${MAX_DIGITS + 1}}`)

const gather = (names: Iterable<string>): Patterns => {
  const patterns: Patterns = new Map()
  let last: Gathered | undefined
  for (const name of names) {
    // Most names are of the same family as the one before: that is seen quickly.
    if (last && addKey(last, name)) continue
    const pattern = patternOf(name)
    if (patterns.has(pattern)) {
      last = grown(patterns, pattern)
      addTo(last, name)
    } else {
      patterns.set(pattern, name)
    }
  }
  return patterns
}

/** The name with `%s` for each number: as people are used to from ClusterShell, that is what it is sorted by. */
const patternOf = (name: string): string => {
  const escaped = name.includes('%') ? name.replaceAll('%', '%%') : name
  return isNumbered(name) ? escaped.replace(NUMBERS, '%s') : escaped
}

// A longer run of digits could not be written in brackets: then the whole name is one text.
const isNumbered = (name: string): boolean => name.length <= MAX_DIGITS || !TOO_LONG.test(name)

/** The family of a pattern, made out of its single name where there is one so far. */
const grown = (patterns: Patterns, pattern: string): Gathered => {
  const found = patterns.get(pattern) as Gathered | string
  if (typeof found !== 'string') return found
  const family: Gathered = { texts: isNumbered(found) ? found.split(NUMBERS) : [found], keys: [], names: [] }
  addTo(family, found)
  patterns.set(pattern, family)
  return family
}

const addTo = (family: Gathered, name: string): void => {
  if (!addKey(family, name)) family.names.push(name)
}

/** Adds a name to a family with one place, if it is of it and its index is short. */
const addKey = ({ texts, keys }: Gathered, name: string): boolean => {
  if (texts.length !== 2) return false
  const before = texts[0] as string
  const after = texts[1] as string
  if (!name.startsWith(before) || !name.endsWith(after) || name.charCodeAt(before.length) === DASH) return false
  const key = keyOf(name, before.length, name.length - after.length)
  if (key === undefined) return false
  keys.push(key)
  return true
}

const DASH = 0x2d

/**
 * `n-2`, `n-1`, `n0`, `n1` are written `n[-2-1]`: where numbers meet at zero, the dash is a sign. Elsewhere it is a dash,
 * since a family `web-[1-9]` may well live beside a family `web[1-9]`.
 */
const joinNegative = (patterns: Patterns): void => {
  for (const pattern of patterns.keys()) {
    const positive = pattern.replace('-%s', '%s')
    if (positive === pattern || !patterns.has(positive)) continue
    const { texts, keys, names } = grown(patterns, pattern)
    if (texts.length !== 2 || !texts[0]?.endsWith('-') || names.length > 0 || !keys.includes(ONE)) continue
    const axis = axisOfKeys(Float64Array.from(keys))
    const ranks = all(axis)
    if (ranks.some(rank => axis.text(rank).startsWith('0'))) continue
    const sibling = grown(patterns, positive)
    if (!sibling.keys.includes(ZERO)) continue
    for (const rank of ranks) sibling.keys.push(-Number(axis.text(rank)))
    patterns.delete(pattern)
  }
}

const ZERO = keyOf('0', 0, 1) ?? 0
const ONE = keyOf('1', 0, 1) ?? 0

const inSeveralPlaces = (texts: readonly string[], names: readonly string[]): Family => {
  const places = texts.length - 1
  // For each place, its indices in the order in which they come up.
  const columns = Array.from({ length: places }, () => new Map<string, number>())
  const points = new Int32Array(names.length * places)
  let at = 0
  for (const name of names)
    for (const index of name.match(NUMBERS) ?? []) {
      const column = columns[at % places] as Map<string, number>
      const known = column.get(index)
      points[at++] = known ?? column.size
      if (known === undefined) column.set(index, column.size)
    }
  const axes = columns.map(column => axisOf([...column.keys()]))
  const ranks = axes.map((axis, place) => {
    const ranked = new Int32Array(axis.size)
    for (const rank of all(axis)) ranked[columns[place]?.get(axis.text(rank)) ?? 0] = rank
    return ranked
  })
  for (let i = 0; i < points.length; i++) points[i] = ranks[i % places]?.[points[i] ?? 0] ?? 0
  const sizes = axes.map(axis => axis.size)
  return { texts, axes, boxes: merge(points, sizes) }
}
