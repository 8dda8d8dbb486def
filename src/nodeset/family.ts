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
  /** One of its names. */
  readonly name: string
  readonly texts: readonly string[]
  /** The indices of all members, one after the other. */
  readonly indices: string[]
}

/** The families of distinct names, in the order in which they are written. */
export const families = (names: Iterable<string>): readonly Family[] => {
  const gathered = gather(names)
  joinNegative(gathered)
  return [...gathered.keys()]
    .sort()
    .map(key => gathered.get(key) as Gathered)
    .map(({ name, texts, indices }) => {
      const places = texts.length - 1
      // A name on its own is one text, whatever numbers it has.
      if (indices.length === places) return { texts: [name], axes: [], boxes: [[]] }
      if (places === 1) {
        const axis = axisOf(indices)
        return { texts, axes: [axis], boxes: [[all(axis)]] }
      }
      return several(texts, indices, places)
    })
}

/** Bare indices as one family: what `--rangeset` computes with. */
export const rangeFamily = (indices: readonly string[]): Family => {
  const axis = axisOf(indices)
  return { texts: ['', ''], axes: [axis], boxes: indices.length === 0 ? [] : [[all(axis)]] }
}

const all = (axis: Axis): readonly number[] => Array.from({ length: axis.size }, (_, rank) => rank)

/** Digits of ASCII only: other scripts' digits are part of the text. */
const NUMBERS = /[0-9]+/g

const gather = (names: Iterable<string>): Map<string, Gathered> => {
  const gathered = new Map<string, Gathered>()
  for (const name of names) {
    const found = name.match(NUMBERS) ?? []
    // A longer run of digits could not be written in brackets: the whole name is one text.
    const numbers = found.every(number => number.length <= MAX_DIGITS) ? found : []
    const escaped = name.includes('%') ? name.replaceAll('%', '%%') : name
    // The key sorts as people are used to from ClusterShell: a number sorts as "%s".
    const key = numbers.length > 0 ? escaped.replace(NUMBERS, '%s') : escaped
    let family = gathered.get(key)
    if (!family) {
      family = { name, texts: numbers.length > 0 ? name.split(NUMBERS) : [name], indices: [] }
      gathered.set(key, family)
    }
    for (const number of numbers) family.indices.push(number)
  }
  return gathered
}

/**
 * `n-2`, `n-1`, `n0`, `n1` are written `n[-2-1]`: where numbers meet at zero, the dash is a sign. Elsewhere it is a dash,
 * since a family `web-[1-9]` may well live beside a family `web[1-9]`.
 */
const joinNegative = (gathered: Map<string, Gathered>): void => {
  for (const [key, { indices }] of gathered) {
    if (!key.includes('-%s') || !indices.includes('1')) continue
    const sibling = gathered.get(key.replace('-%s', '%s'))
    if (sibling?.texts.length !== 2 || !sibling.indices.includes('0')) continue
    if (indices.some(index => index.startsWith('0'))) continue
    for (const index of indices) sibling.indices.push(`-${index}`)
    gathered.delete(key)
  }
}

const several = (texts: readonly string[], indices: readonly string[], places: number): Family => {
  const columns = Array.from({ length: places }, () => new Set<string>())
  for (const [i, index] of indices.entries()) columns[i % places]?.add(index)
  const axes = columns.map(column => axisOf([...column]))
  const ranks = axes.map(axis => new Map(all(axis).map(rank => [axis.text(rank), rank])))
  const points = Int32Array.from(indices, (index, i) => ranks[i % places]?.get(index) ?? 0)
  return {
    texts,
    axes,
    boxes: merge(
      points,
      axes.map(axis => axis.size),
    ),
  }
}
