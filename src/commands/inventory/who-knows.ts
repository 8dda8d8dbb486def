/** Who knows a name: each warehouse's own answer, not yet made one. */
import type { Abortable } from '../../base/abortable.ts'
import { type GroupName, isNodeName, type NodeName } from '../../base/names.ts'
import { dedup } from '../../inventory/dedup.ts'
import { type Lookup, openLookup, type ResolvedNode } from '../../inventory/lookup.ts'
import type { Member, Warehouse } from '../../inventory/warehouse.ts'
import { listGroups } from './memberships.ts'
import type { Answer } from './node-facts.ts'

/**
 * The answers of all warehouses about a node: by this name, and by the names which it turns out to have, when they are
 * about the same machine. Warehouses of last resort answer when no other does.
 */
export const whoKnowsNode = async (
  name: string,
  warehouses: readonly Warehouse[],
  io: Abortable,
): Promise<readonly Answer[]> => {
  if (!isNodeName(name)) return []
  const ordinary = warehouses.filter(warehouse => !warehouse.lastResort)
  const known = await Promise.all(ordinary.map(one => nodesIn(one, [name], io)))
  const first = known.flat()
  if (first.length === 0) {
    const lastResort = warehouses.filter(warehouse => warehouse.lastResort)
    const [found] = await openLookup(lastResort, io).names([name], undefined)
    return found?.node ? [answerOf(found.node)] : []
  }
  const names = [...namesIn(first.map(answerOf))].filter(isNodeName)
  const later = ordinary.map(async (one, i) => (known[i]?.length ? [] : await nodesIn(one, names, io)))
  // A bare name may be another machine's at another site: who is surely the same counts.
  const same = (await Promise.all(later)).map(nodes =>
    nodes.filter(node => first.some(one => isSameMachine(one, node))).slice(0, 1),
  )
  return ordinary.flatMap((_, i) => [...(known[i] ?? []), ...(same[i] ?? [])].map(answerOf))
}

/** All the names of a node. */
export const namesIn = (answers: readonly Answer[]): ReadonlySet<string> =>
  new Set(answers.flatMap(({ facts }) => [facts.name, ...(facts.aliases ?? [])]))

const nodesIn = async (
  warehouse: Warehouse,
  names: readonly NodeName[],
  io: Abortable,
): Promise<readonly ResolvedNode[]> =>
  (await openLookup([warehouse], io).nodes(names, undefined)).filter(node => node !== undefined)

const answerOf = ({ warehouses, facts }: ResolvedNode): Answer => ({ warehouse: warehouses[0] ?? '-', facts })

const isSameMachine = (one: ResolvedNode, other: ResolvedNode): boolean =>
  dedup({ selection: { kind: 'nodes', nodes: [one, other] }, groups: new Map() }).length === 1

export interface KnownGroup {
  readonly warehouse: Warehouse
  /** The direct ones. */
  readonly members: readonly Member[]
}

/** Who knows a group of that name; with `listed`, only those which list it. */
export const whoKnowsGroup = async (
  name: GroupName,
  warehouses: readonly Warehouse[],
  ask: Lookup,
  io: Abortable & { readonly listed: boolean },
): Promise<readonly KnownGroup[]> => {
  const lists = io.listed ? await listGroups(warehouses, io) : undefined
  const known = warehouses.map(async warehouse => {
    if (lists && !lists.get(warehouse)?.includes(name)) return []
    const members = await ask.members(name, warehouse)
    return members ? [{ warehouse, members }] : []
  })
  return (await Promise.all(known)).flat()
}
