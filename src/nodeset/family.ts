/** Names which differ in their numbers only are a family: `x1y1`, `x1y2` and `x3y1` are of the family `x%sy%s`. */
import { type Axis, axisOf } from './axis.ts'
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
  readonly names: string[]
  /** Indices below zero, of a family with one place. */
  readonly negative: string[]
}

/** The families of distinct names, in the order in which they are written. */
export const families = (names: Iterable<string>): readonly Family[] => {
  const gathered = gather(names)
  joinNegative(gathered)
  return [...gathered.keys()].sort().map(key => familyOf(gathered.get(key) as Gathered))
}

const familyOf = ({ texts, names, negative }: Gathered): Family => {
  // A name on its own is one text, whatever numbers it has.
  if (names.length + negative.length === 1) return { texts: names, axes: [], boxes: [[]] }
  if (texts.length > 2) return several(texts, names)
  const [before = '', after = ''] = texts
  const axis = axisOf([...negative, ...names.map(name => name.slice(before.length, name.length - after.length))])
  return { texts, axes: [axis], boxes: [[all(axis)]] }
}

/** Bare indices as one family: what `--rangeset` computes with. */
export const rangeFamily = (indices: readonly string[]): Family => {
  const axis = axisOf(indices)
  return { texts: ['', ''], axes: [axis], boxes: indices.length === 0 ? [] : [[all(axis)]] }
}

const all = (axis: Axis): readonly number[] => Array.from({ length: axis.size }, (_, rank) => rank)

/** Digits of ASCII only: other scripts' digits are part of the text. */
const NUMBERS = /[0-9]+/g

const TOO_LONG = new RegExp(`[0-9]{${MAX_DIGITS + 1}}`)

const gather = (names: Iterable<string>): Map<string, Gathered> => {
  const gathered = new Map<string, Gathered>()
  for (const name of names) {
    const escaped = name.includes('%') ? name.replaceAll('%', '%%') : name
    // A longer run of digits could not be written in brackets: the whole name is one text.
    const numbered = name.length <= MAX_DIGITS || !TOO_LONG.test(name)
    // The key sorts as people are used to from ClusterShell: a number sorts as "%s".
    const key = numbered ? escaped.replace(NUMBERS, '%s') : escaped
    const family = gathered.get(key)
    if (family) family.names.push(name)
    else gathered.set(key, { texts: numbered ? name.split(NUMBERS) : [name], names: [name], negative: [] })
  }
  return gathered
}

/**
 * `n-2`, `n-1`, `n0`, `n1` are written `n[-2-1]`: where numbers meet at zero, the dash is a sign. Elsewhere it is a dash,
 * since a family `web-[1-9]` may well live beside a family `web[1-9]`.
 */
const joinNegative = (gathered: Map<string, Gathered>): void => {
  for (const [key, { texts, names }] of gathered) {
    const [before = '', after = ''] = texts
    if (texts.length !== 2 || !before.endsWith('-')) continue
    const sibling = gathered.get(key.replace('-%s', '%s'))
    if (!sibling?.names.includes(`${before.slice(0, -1)}0${after}`) || !names.includes(`${before}1${after}`)) continue
    const indices = names.map(name => name.slice(before.length, name.length - after.length))
    if (indices.some(index => index.startsWith('0'))) continue
    for (const index of indices) sibling.negative.push(`-${index}`)
    gathered.delete(key)
  }
}

const several = (texts: readonly string[], names: readonly string[]): Family => {
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
