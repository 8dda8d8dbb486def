/** Names in, the short way to write them out. */
import { foldRanks } from './sets/axis.ts'
import { type Family, families } from './sets/family.ts'
import type { Box } from './sets/merge.ts'

export interface FoldOptions {
  /** From how many elements on `1,3,5` is written `1-5/2`; without it, steps are never written. */
  readonly autostep?: number | undefined
  /** The places of a name, counted from 1 or from -1 backwards, which may get ranges; without it, all of them. */
  readonly axes?: readonly number[] | undefined
  /** `false`: ranges stand without brackets, as fits bare indices. */
  readonly brackets?: boolean | undefined
}

/**
 * The names as one text: `fold(['n1', 'n2', 'x'])` is `n[1-2],x`. The text depends on the set of names only, not on their
 * order. Any string is taken as a name; what is no name in the expression language comes out as it is.
 */
export const fold = (names: Iterable<string>, options: FoldOptions = {}): string =>
  foldFamilies(families(names instanceof Set ? names : new Set(names)), options)

/** The same for families at hand. */
export const foldFamilies = (all: readonly Family[], options: FoldOptions = {}): string =>
  all.flatMap(family => family.boxes.flatMap(box => foldBox(family, box, options))).join(',')

const foldBox = (family: Family, box: Box, { autostep, axes, brackets = true }: FoldOptions): readonly string[] => {
  const places = box.length
  const chosen = axes && new Set(axes.map(axis => (axis < 0 ? places + axis : axis - 1)))
  // What may not get ranges is written out, the first place running fastest.
  return box.reduce<readonly string[]>(
    (written, ranks, place) => {
      const axis = family.axes[place]
      if (!axis) return written
      const ends = family.texts[place + 1] ?? ''
      const parts =
        ranks.length === 1 || (chosen && !chosen.has(place))
          ? Array.from(ranks, rank => axis.text(rank))
          : [brackets ? `[${foldRanks(axis, ranks, autostep)}]` : foldRanks(axis, ranks, autostep)]
      return parts.flatMap(part => written.map(start => `${start}${part}${ends}`))
    },
    [family.texts[0] ?? ''],
  )
}
