/** The order of a set: the one in which its folded text names the nodes. */
import { type Axis, runs } from './axis.ts'
import type { Family } from './family.ts'
import type { Box } from './merge.ts'

/** All names, families in turn, the last place of a name running fastest. */
export const inOrder = (all: readonly Family[]): string[] =>
  all.flatMap(family => family.boxes.flatMap(box => namesOf(family, box)))

const namesOf = ({ texts, axes }: Family, box: Box): readonly string[] => {
  let names: readonly string[] = [texts[0] ?? '']
  for (const [place, ranks] of box.entries()) {
    const axis = axes[place] as Axis
    const indices = ranks.map(axis.text)
    const after = texts[place + 1] as string
    const longer: string[] = []
    for (const name of names) for (const index of indices) longer.push(`${name}${index}${after}`)
    names = longer
  }
  return names
}

/** The names in pieces, each of one family and without a gap in any place. */
export const contiguous = (all: readonly Family[]): readonly (readonly string[])[] =>
  all.flatMap(family => family.boxes.flatMap(box => gapless(family, box).map(piece => namesOf(family, piece))))

const gapless = ({ axes }: Family, box: Box): readonly Box[] =>
  box.reduce<readonly Box[]>(
    (pieces, ranks, place) => {
      const axis = axes[place]
      if (!axis) return pieces
      const parts = runs(axis, ranks).map(({ from, to }) => ranks.slice(from, to + 1))
      return pieces.flatMap(piece => parts.map(part => [...piece, part]))
    },
    [[]],
  )
