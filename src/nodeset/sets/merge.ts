/**
 * Points in several dimensions, gathered into few boxes. Two boxes become one when they differ in one dimension only.
 * Fewest boxes is a hard problem; this is greedy, and finds what a person expects in racks and blades.
 */

/** The product of one set of ascending ranks for each dimension. */
export type Box = readonly (readonly number[])[]

/** One dimension of a box, with what is needed to compare it fast. */
interface Side {
  readonly ranks: number[]
  sorted: boolean
  first: number
  last: number
  /** Equal sets have equal hashes; unequal ones nearly never have. */
  hash: number
  /** The box which may change it; without one, it is shared. */
  readonly owner: Work | undefined
}

interface Work {
  readonly sides: Side[]
  size: number
}

/**
 * Merges distinct points, given one after the other with one rank for each of `sizes`' dimensions. The boxes do not
 * overlap; larger ones come first, then those of lower ranks.
 */
export const merge = (points: Int32Array, sizes: readonly number[]): readonly Box[] => {
  const places = sizes.length
  const count = points.length / places
  if (count === sizes.reduce((product, size) => product * size, 1))
    return [sizes.map(size => Array.from({ length: size }, (_, rank) => rank))]
  return mergeAll(sortedBoxes(points, sizes)).map(({ sides }) => sides.map(one => inOrder(one).ranks))
}

/** One box for each point, in the order of `compare`. */
const sortedBoxes = (points: Int32Array, sizes: readonly number[]): Work[] => {
  const places = sizes.length
  // Sides are shared between boxes; one is copied before it grows.
  const sides = sizes.map(size => Array.from({ length: size }, (_, rank) => single(rank)))
  const boxes: Work[] = []
  const volume = sizes.reduce((product, size) => product * size, 1)
  if (volume > Number.MAX_SAFE_INTEGER) {
    for (let i = 0; i < points.length; i += places)
      boxes.push({ sides: sides.map((all, d) => all[points[i + d] as number] as Side), size: 1 })
    return boxes.sort(compare)
  }
  // One number says where a point is, and a native sort of numbers is far quicker than one with `compare`.
  const keys = new Float64Array(points.length / places)
  for (let i = 0; i < points.length; i += places) {
    let key = 0
    for (let d = 0; d < places; d++) key = key * (sizes[d] as number) + (points[i + d] as number)
    keys[i / places] = key
  }
  for (let key of keys.sort()) {
    const ranks: number[] = []
    for (let d = places - 1; d >= 0; d--) {
      const size = sizes[d] as number
      ranks[d] = key % size
      key = Math.floor(key / size)
    }
    boxes.push({ sides: sides.map((all, d) => all[ranks[d] as number] as Side), size: 1 })
  }
  return boxes
}

// A bound on time: passes over many boxes which hardly merge are given up, the text only gets longer.
const MAX_STEPS = 4_000_000

const mergeAll = (sorted: readonly Work[]): readonly Work[] => {
  let boxes = sorted
  let thorough = false
  for (let steps = 0; steps < MAX_STEPS; ) {
    steps += boxes.length
    const merged = thorough ? mergeAny(boxes) : mergeNeighbours(boxes)
    const changed = merged.length < boxes.length
    boxes = changed ? merged.toSorted(compare) : merged
    if (changed) continue
    if (thorough) break
    thorough = true
  }
  return boxes
}

/** Larger boxes first, then by dimension: the longer side first, then the lower ranks. */
const compare = (a: Work, b: Work): number => {
  if (a.size !== b.size) return b.size - a.size
  for (let d = 0; d < a.sides.length; d++) {
    const one = a.sides[d] as Side
    const other = b.sides[d] as Side
    const order = other.ranks.length - one.ranks.length || one.first - other.first || one.last - other.last
    if (order !== 0) return order
  }
  return 0
}

/** Merges every box with those right behind it: cheap, and enough for what is regular. */
const mergeNeighbours = (boxes: readonly Work[]): readonly Work[] => {
  const merged: Work[] = []
  for (let i = 0; i < boxes.length; ) {
    const box = boxes[i++] as Work
    for (; i < boxes.length; i++) {
      const d = onlyDifference(box, boxes[i] as Work)
      if (d === undefined) break
      absorb(box, boxes[i] as Work, d)
    }
    merged.push(box)
  }
  return merged
}

/** Merges every box with all later ones it can, found by the hash of all dimensions but one. */
const mergeAny = (boxes: readonly Work[]): readonly Work[] => {
  if (boxes.length >= MAX_INDEXED) return boxes
  const places = boxes[0]?.sides.length ?? 0
  const indexes = Array.from({ length: places }, (_, d) => indexWithout(boxes, d))
  const gone = new Uint8Array(boxes.length)
  const merged: Work[] = []
  for (let i = 0; i < boxes.length; i++) {
    if (gone[i]) continue
    const box = boxes[i] as Work
    for (let match = nextMatch(box, i, boxes, indexes, gone); match; ) {
      absorb(box, boxes[match.index] as Work, match.d)
      gone[match.index] = 1
      match = nextMatch(box, match.index, boxes, indexes, gone)
    }
    merged.push(box)
  }
  return merged
}

/** Boxes by their hash without one dimension: hash and place, as one number, in order. */
const indexWithout = (boxes: readonly Work[], d: number): Float64Array => {
  const entries = new Float64Array(boxes.length)
  for (let i = 0; i < boxes.length; i++) entries[i] = hashWithout(boxes[i] as Work, d) * MAX_INDEXED + i
  return entries.sort()
}

// A hash of 32 bits and the place of a box fit one double together.
const MAX_INDEXED = 2 ** 21

/** The first box behind `after` which differs in one dimension only. */
const nextMatch = (
  box: Work,
  after: number,
  boxes: readonly Work[],
  indexes: readonly Float64Array[],
  gone: Uint8Array,
): { readonly index: number; readonly d: number } | undefined => {
  let best: { index: number; d: number } | undefined
  for (let d = 0; d < indexes.length; d++) {
    const entries = indexes[d] as Float64Array
    const first = hashWithout(box, d) * MAX_INDEXED
    for (let k = firstAbove(entries, first + after); k < entries.length; k++) {
      const index = (entries[k] as number) - first
      if (index >= (best?.index ?? MAX_INDEXED)) break
      if (gone[index] || onlyDifference(box, boxes[index] as Work) !== d) continue
      best = { index, d }
      break
    }
  }
  return best
}

/** Where in an ascending list the first value above `limit` is. */
const firstAbove = (list: Float64Array, limit: number): number => {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as number) > limit) high = middle
    else low = middle + 1
  }
  return low
}

/** The one dimension in which two boxes differ; `undefined` when they differ in more. */
const onlyDifference = (a: Work, b: Work): number | undefined => {
  let found: number | undefined
  for (let d = 0; d < a.sides.length; d++) {
    if (equal(a.sides[d] as Side, b.sides[d] as Side)) continue
    if (found !== undefined) return undefined
    found = d
  }
  return found
}

const equal = (a: Side, b: Side): boolean => {
  if (a === b) return true
  if (a.ranks.length !== b.ranks.length || a.first !== b.first || a.last !== b.last || a.hash !== b.hash) return false
  const { ranks } = inOrder(a)
  const others = inOrder(b).ranks
  return ranks.every((rank, i) => rank === others[i])
}

const inOrder = (one: Side): Side => {
  if (!one.sorted) {
    one.ranks.sort((a, b) => a - b)
    one.sorted = true
  }
  return one
}

/** Takes another box in, which differs in dimension `d` only. */
const absorb = (box: Work, other: Work, d: number): void => {
  const more = other.sides[d] as Side
  let mine = box.sides[d] as Side
  if (mine.owner !== box) {
    mine = { ...mine, ranks: [...mine.ranks], owner: box }
    box.sides[d] = mine
  }
  for (const rank of more.ranks) mine.ranks.push(rank)
  mine.sorted = false
  mine.first = Math.min(mine.first, more.first)
  mine.last = Math.max(mine.last, more.last)
  mine.hash = (mine.hash + more.hash) | 0
  box.size += other.size
}

const single = (rank: number): Side => ({
  ranks: [rank],
  sorted: true,
  first: rank,
  last: rank,
  hash: mix(rank + 1),
  owner: undefined,
})

const hashWithout = (box: Work, without: number): number => {
  let hash = 0
  for (let d = 0; d < box.sides.length; d++)
    if (d !== without) hash = (hash + mix((box.sides[d] as Side).hash ^ Math.imul(d + 1, 0x9e3779b1))) | 0
  return hash >>> 0
}

/** Spreads an integer over 32 bits, so that sums of them tell sets apart. */
const mix = (value: number): number => {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
