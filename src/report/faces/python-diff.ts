/**
 * Unified diffs as Python's difflib makes them (`difflib.unified_diff`, 3 lines of context): clush shows those. Its way of finding
 * what two texts have in common, the longest piece first, is Ratcliff's and Obershelp's. Pure.
 */

const CONTEXT = 3
/** Of a text of so many lines or more, lines which make up more than a hundredth do not count as places to begin at. */
const LONG = 200

/** Lines of one text which are, as they stand, in the other: from `a` and from `b` on, so many. */
interface Match {
  readonly a: number
  readonly b: number
  readonly size: number
}

interface Change {
  readonly kind: 'equal' | 'changed'
  readonly a: readonly [from: number, to: number]
  readonly b: readonly [from: number, to: number]
}

/** Its lines, without line feeds; none for equal texts. */
export const pythonDiff = (from: string, to: string, a: readonly string[], b: readonly string[]): readonly string[] => {
  const hunks = hunksOf(changes(matches(a, b), a.length, b.length))
  const lines = hunks.flatMap(hunk => {
    const [first, last] = [hunk[0] as Change, hunk.at(-1) as Change]
    const body = hunk.flatMap(({ kind, a: [a0, a1], b: [b0, b1] }) =>
      kind === 'equal'
        ? a.slice(a0, a1).map(line => ` ${line}`)
        : [...a.slice(a0, a1).map(line => `-${line}`), ...b.slice(b0, b1).map(line => `+${line}`)],
    )
    return [`@@ -${range(first.a[0], last.a[1])} +${range(first.b[0], last.b[1])} @@`, ...body]
  })
  return lines.length === 0 ? [] : [`--- ${from}`, `+++ ${to}`, ...lines]
}

const range = (from: number, to: number): string => {
  const size = to - from
  if (size === 1) return String(from + 1)
  return `${size === 0 ? from : from + 1},${size}`
}

/** All pieces in common, in order; those which touch are one. */
const matches = (a: readonly string[], b: readonly string[]): readonly Match[] => {
  const places = placesOf(b)
  const found: Match[] = []
  const search: (readonly [number, number, number, number])[] = [[0, a.length, 0, b.length]]
  for (let box = search.pop(); box; box = search.pop()) {
    const [a0, a1, b0, b1] = box
    const match = longest(a, b, places, box)
    if (match.size === 0) continue
    found.push(match)
    if (a0 < match.a && b0 < match.b) search.push([a0, match.a, b0, match.b])
    if (match.a + match.size < a1 && match.b + match.size < b1)
      search.push([match.a + match.size, a1, match.b + match.size, b1])
  }
  found.sort((one, other) => one.a - other.a || one.b - other.b)
  return found.reduce<Match[]>((joined, match) => {
    const last = joined.at(-1)
    if (last && last.a + last.size === match.a && last.b + last.size === match.b)
      joined[joined.length - 1] = { ...last, size: last.size + match.size }
    else joined.push(match)
    return joined
  }, [])
}

const placesOf = (b: readonly string[]): ReadonlyMap<string, readonly number[]> => {
  const places = new Map<string, number[]>()
  for (const [at, line] of b.entries()) {
    const known = places.get(line)
    if (known) known.push(at)
    else places.set(line, [at])
  }
  const most = b.length >= LONG ? Math.floor(b.length / 100) + 1 : Number.POSITIVE_INFINITY
  for (const [line, at] of places) if (at.length > most) places.delete(line)
  return places
}

const longest = (
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  [a0, a1, b0, b1]: readonly [number, number, number, number],
): Match => {
  let [bestA, bestB, size] = [a0, b0, 0]
  let lengths = new Map<number, number>()
  for (let i = a0; i < a1; i++) {
    const next = new Map<number, number>()
    for (const j of places.get(a[i] ?? '') ?? []) {
      if (j < b0) continue
      if (j >= b1) break
      const length = (lengths.get(j - 1) ?? 0) + 1
      next.set(j, length)
      if (length > size) [bestA, bestB, size] = [i - length + 1, j - length + 1, length]
    }
    lengths = next
  }
  // Frequent lines, which are no places to begin at, may still lengthen a piece.
  while (bestA > a0 && bestB > b0 && a[bestA - 1] === b[bestB - 1])
    [bestA, bestB, size] = [bestA - 1, bestB - 1, size + 1]
  while (bestA + size < a1 && bestB + size < b1 && a[bestA + size] === b[bestB + size]) size++
  return { a: bestA, b: bestB, size }
}

const changes = (matches: readonly Match[], aEnd: number, bEnd: number): readonly Change[] => {
  const all: Change[] = []
  let [a, b] = [0, 0]
  for (const match of [...matches, { a: aEnd, b: bEnd, size: 0 }]) {
    if (a < match.a || b < match.b) all.push({ kind: 'changed', a: [a, match.a], b: [b, match.b] })
    ;[a, b] = [match.a + match.size, match.b + match.size]
    if (match.size > 0) all.push({ kind: 'equal', a: [match.a, a], b: [match.b, b] })
  }
  return all
}

/** Changes with their context; what is far from any change is left out. */
const hunksOf = (all: readonly Change[]): readonly (readonly Change[])[] => {
  const hunks: Change[][] = []
  let hunk: Change[] = []
  for (const [i, change] of all.entries()) {
    if (change.kind === 'changed') {
      hunk.push(change)
      continue
    }
    const [isFirst, isLast] = [i === 0, i === all.length - 1]
    const { a, b } = change
    const size = a[1] - a[0]
    const head: Change = {
      kind: 'equal',
      a: [a[0], Math.min(a[1], a[0] + CONTEXT)],
      b: [b[0], Math.min(b[1], b[0] + CONTEXT)],
    }
    const tail: Change = {
      kind: 'equal',
      a: [Math.max(a[0], a[1] - CONTEXT), a[1]],
      b: [Math.max(b[0], b[1] - CONTEXT), b[1]],
    }
    if (isFirst) hunk.push(tail)
    else if (isLast) hunk.push(head)
    else if (size > 2 * CONTEXT) {
      hunks.push([...hunk, head])
      hunk = [tail]
    } else hunk.push(change)
  }
  return [...hunks, hunk].filter(one => one.some(({ kind }) => kind === 'changed'))
}
