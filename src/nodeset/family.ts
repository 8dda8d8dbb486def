/** Names which differ in their numbers only are a family: `x1y1`, `x1y2` and `x3y1` are of the family `x%sy%s`. */
import { type Axis, axisOf, axisOfKeys, keyOf } from './axis.ts'
import { MAX_DIGITS } from './limits.ts'
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

/** The families of distinct names, in the order in which they are written. */
export const families = (names: Iterable<string>): readonly Family[] => {
  const gathered = gather(names)
  joinNegative(gathered)
  return [...gathered.keys()].sort().map(key => familyOf(gathered.get(key) as Gathered))
}

const familyOf = ({ texts, keys, names }: Gathered): Family => {
  if (texts.length > 2) return several(texts, names)
  const [before = '', after = ''] = texts
  if (keys.length + names.length === 1) {
    const [name = `${before}${axisOfKeys(Float64Array.from(keys)).text(0)}${after}`] = names
    return alone(name)
  }
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

const gather = (names: Iterable<string>): Map<string, Gathered> => {
  const gathered = new Map<string, Gathered>()
  let last: Gathered | undefined
  for (const name of names) {
    // Most names are of the same family as the one before: that is seen quickly.
    if (last && addKey(last, name)) continue
    last = gatherOne(gathered, name)
  }
  return gathered
}

const gatherOne = (gathered: Map<string, Gathered>, name: string): Gathered | undefined => {
  const escaped = name.includes('%') ? name.replaceAll('%', '%%') : name
  // A longer run of digits could not be written in brackets: the whole name is one text.
  const numbered = name.length <= MAX_DIGITS || !TOO_LONG.test(name)
  // The key sorts as people are used to from ClusterShell: a number sorts as "%s".
  const key = numbered ? escaped.replace(NUMBERS, '%s') : escaped
  let family = gathered.get(key)
  if (!family) {
    family = { texts: numbered ? name.split(NUMBERS) : [name], keys: [], names: [] }
    gathered.set(key, family)
  }
  if (family.texts.length === 2 && addKey(family, name)) return family
  family.names.push(name)
  return undefined
}

/** Adds a name to a family with one place, if it is of it and its index is short. */
const addKey = ({ texts, keys }: Gathered, name: string): boolean => {
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
const joinNegative = (gathered: Map<string, Gathered>): void => {
  for (const [key, { texts, keys, names }] of gathered) {
    if (texts.length !== 2 || !texts[0]?.endsWith('-') || names.length > 0) continue
    const sibling = gathered.get(key.replace('-%s', '%s'))
    if (!sibling?.keys.includes(ZERO) || !keys.includes(ONE)) continue
    const axis = axisOfKeys(Float64Array.from(keys))
    const ranks = all(axis)
    if (ranks.some(rank => axis.text(rank).startsWith('0'))) continue
    for (const rank of ranks) sibling.keys.push(-Number(axis.text(rank)))
    gathered.delete(key)
  }
}

const ZERO = keyOf('0', 0, 1) ?? 0
const ONE = keyOf('1', 0, 1) ?? 0

const several = (texts: readonly string[], names: readonly string[]): Family => {
  if (names.length === 1) return alone(names[0] as string)
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
