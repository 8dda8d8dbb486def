/** Nodes to groups: which groups nodes are in, and how to say a set of nodes with group names. */
import type { Evaluator, Names } from './evaluate.ts'
import { type FoldOptions, fold } from './fold.ts'

/** A group which some of the asked nodes are in. */
export interface Membership {
  readonly group: string
  /** All its nodes. */
  readonly nodes: Names
  /** How many of the asked nodes the source says are in it. */
  readonly found: number
}

/** The groups of one source which the nodes are in, sorted by name. Empty when the source can neither list nor be asked. */
export const memberships = async (
  nodes: Names,
  ask: Evaluator,
  source: string | undefined,
): Promise<readonly Membership[]> => {
  const listed = await ask.list(source)
  // Asking for each node pays when there are fewer nodes than groups.
  const reverse = !listed?.length || listed.length >= nodes.size ? await ask.reverse([...nodes], source) : undefined
  const found = new Map<string, number>()
  if (reverse) {
    for (const groups of reverse.values()) for (const group of groups) found.set(group, (found.get(group) ?? 0) + 1)
  } else {
    for (const group of listed ?? []) {
      const count = nodes.intersection(await ask.members(source, group)).size
      if (count > 0) found.set(group, count)
    }
  }
  const all: Membership[] = []
  for (const group of [...found.keys()].sort())
    all.push({ group, found: found.get(group) ?? 0, nodes: await ask.members(source, group) })
  return all
}

export interface RegroupOptions extends FoldOptions {
  /** A group's name as it is to be written, such as `@rack1` or `@slurm:rack1`. */
  readonly label: (group: string) => string
}

/** The nodes folded, with groups for those which are complete: the largest first, none twice. */
export const regroup = (nodes: Names, groups: readonly Membership[], options: RegroupOptions): string => {
  const complete = groups
    .filter(group => group.found === group.nodes.size && group.nodes.isSubsetOf(nodes))
    .sort((a, b) => b.nodes.size - a.nodes.size || (a.group < b.group ? -1 : 1))
  const chosen: string[] = []
  let rest: Names = nodes
  for (const group of complete) {
    if (rest.size === 0) break
    if (!group.nodes.isSubsetOf(rest)) continue
    chosen.push(options.label(group.group))
    rest = rest.difference(group.nodes)
  }
  return [fold(chosen, options), fold(rest, options)].filter(text => text !== '').join(',')
}
