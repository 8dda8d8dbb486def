/** A copy of what a warehouse answered: what it holds, and what can be answered from it. Pure. */

import type { GroupName, NodeName } from '../../base/names.ts'
import { parseAttributeQuery } from '../attribute-query.ts'
import type { Member, NetworkFacts, NodeFacts, NodeRecord } from '../warehouse.ts'

/** Answers of one run. What is absent was not asked then. */
export interface Batch {
  /** When the source was asked, in milliseconds since 1970. */
  readonly at: number
  readonly groups?: readonly GroupName[]
  /** All nodes. */
  readonly all?: readonly NodeFacts[]
  /** All nodes, as they are in the source. */
  readonly records?: readonly NodeRecord[]
  readonly networks?: readonly NetworkFacts[]
  /** By group; `undefined` is an answer: there is no such group. */
  readonly members: ReadonlyMap<GroupName, readonly Member[] | undefined>
  /** By the name asked for; `undefined` is an answer, too. */
  readonly nodes: ReadonlyMap<NodeName, NodeFacts | undefined>
  readonly queries: ReadonlyMap<string, readonly Member[]>
}

/** What a source has in memory once it has answered anything, so that a copy of it all costs it no further question. */
export interface Held {
  /** Whether the members of this group are; the lists of all groups and of all nodes always are. */
  members(group: GroupName): boolean
  /** Its queries are those of `parseAttributeQuery`, which can be answered from the list of all nodes. */
  readonly attributeQueries: boolean
}

/** An answer which may be `undefined`. */
export interface Found<T> {
  readonly answer: T
}

export type Copy = ReturnType<typeof copyOf>

/** Answers from batches, the newest first. Each method returns `undefined` for what is not in the copy. */
export const copyOf = (batches: readonly Batch[], held: Held | undefined) => {
  const indexes = new Map<Batch, ReadonlyMap<string, NodeFacts>>()
  const indexOf = (batch: Batch, all: readonly NodeFacts[]): ReadonlyMap<string, NodeFacts> => {
    const index = indexes.get(batch) ?? byName(all)
    indexes.set(batch, index)
    return index
  }
  const first = <T>(find: (batch: Batch) => Found<T> | undefined): Found<T> | undefined => {
    for (const batch of batches) {
      const found = find(batch)
      if (found) return found
    }
    return undefined
  }

  const all = () => first(batch => batch.all && { answer: batch.all })
  return {
    oldest: Math.min(...batches.map(({ at }) => at)),
    newest: Math.max(...batches.map(({ at }) => at)),
    /** Whether it knows no node and no group which has members. */
    isEmpty: batches.every(({ groups = [], all = [], records = [], members, nodes }) => {
      // Who holds its members has listed the groups which have some; names alone may come from a configuration.
      const names = held ? 0 : groups.length
      const someone = [...members.values()].some(list => list?.length) || [...nodes.values()].some(Boolean)
      return all.length + records.length + names === 0 && !someone
    }),
    groups: () => first(batch => batch.groups && { answer: batch.groups }),
    all,
    /** Nodes which are fit to be acted on are listed in no other way. */
    records: (): Found<readonly NodeRecord[]> | undefined =>
      first<readonly NodeRecord[]>(batch => {
        const answer = batch.records ?? batch.all
        return answer && { answer }
      }),
    networks: () => first(batch => batch.networks && { answer: batch.networks }),
    members: (group: GroupName) =>
      first<readonly Member[] | undefined>(({ members, groups }) => {
        if (members.has(group)) return { answer: members.get(group) }
        // A source which holds all its groups would have listed this one.
        const isUnknown = groups !== undefined && held?.members(group) === true && !groups.includes(group)
        return isUnknown ? { answer: undefined } : undefined
      }),
    node: (name: NodeName) =>
      first<NodeFacts | undefined>(batch => {
        if (batch.nodes.has(name)) return { answer: batch.nodes.get(name) }
        return batch.all && { answer: indexOf(batch, batch.all).get(name) }
      }),
    query(query: string): Found<readonly Member[]> | undefined {
      const found = first(({ queries }) => {
        const answer = queries.get(query)
        return answer && { answer }
      })
      const nodes = held?.attributeQueries ? all()?.answer : undefined
      if (found || !nodes) return found
      const matches = parseAttributeQuery(query)
      return { answer: nodes.filter(matches).map(({ name }) => ({ kind: 'node', name })) }
    },
  }
}

/** Names win over aliases, the first node with an alias over the others. */
const byName = (all: readonly NodeFacts[]): ReadonlyMap<string, NodeFacts> => {
  const index = new Map<string, NodeFacts>(all.map(facts => [facts.name, facts]))
  for (const facts of all) for (const alias of facts.aliases ?? []) if (!index.has(alias)) index.set(alias, facts)
  return index
}

/** The new batch, and of the older ones, newest first, what no newer one has. */
export const merged = (fresh: Batch, older: readonly Batch[]): readonly Batch[] => {
  const known = { groups: fresh.groups, all: fresh.all, records: fresh.records, networks: fresh.networks }
  const members = new Set(fresh.members.keys())
  const nodes = new Set(fresh.nodes.keys())
  const queries = new Set(fresh.queries.keys())
  const rest = older.flatMap((batch): readonly Batch[] => {
    const left: Batch = {
      at: batch.at,
      ...(!known.groups && batch.groups && { groups: batch.groups }),
      ...(!known.all && batch.all && { all: batch.all }),
      ...(!known.records && batch.records && { records: batch.records }),
      ...(!known.networks && batch.networks && { networks: batch.networks }),
      members: without(batch.members, members),
      nodes: known.all ? new Map() : without(batch.nodes, nodes),
      queries: without(batch.queries, queries),
    }
    known.groups ??= batch.groups
    known.all ??= batch.all
    known.records ??= batch.records
    known.networks ??= batch.networks
    for (const group of batch.members.keys()) members.add(group)
    for (const name of batch.nodes.keys()) nodes.add(name)
    for (const query of batch.queries.keys()) queries.add(query)
    const isWorth =
      left.groups ||
      left.all ||
      left.records ||
      left.networks ||
      left.members.size + left.nodes.size + left.queries.size > 0
    return isWorth ? [left] : []
  })
  return [fresh, ...rest]
}

const without = <K, V>(map: ReadonlyMap<K, V>, keys: ReadonlySet<K>): ReadonlyMap<K, V> =>
  new Map([...map].filter(([key]) => !keys.has(key)))
