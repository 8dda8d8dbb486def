/** The questions to a warehouse, as values: each can be asked of the source, looked up in a copy, and noted down. */
import type { Abortable } from '../../base/abortable.ts'
import { type GroupName, type NodeName, shown } from '../../base/names.ts'
import type { Member, NetworkFacts, NodeFacts, NodeRecord, Warehouse } from '../warehouse.ts'
import type { Copy, Found } from './copy.ts'
import { factsText, membersText } from './copy-text.ts'

/** What the source answered in this run. */
export interface Notes {
  groups?: readonly GroupName[]
  all?: readonly NodeFacts[]
  records?: readonly NodeRecord[]
  networks?: readonly NetworkFacts[]
  readonly members: Map<GroupName, readonly Member[] | undefined>
  readonly nodes: Map<NodeName, NodeFacts | undefined>
  readonly queries: Map<string, readonly Member[]>
}

export interface Question<T> {
  /** For messages. */
  readonly label: string
  ask(source: Warehouse, io: Abortable): Promise<T>
  /** `undefined`: it is not in the copy. */
  find(copy: Copy): Found<T> | undefined
  note(notes: Notes, answer: T): void
  /** Two answers are equal when their texts are. */
  text(answer: T): string
  /** Whether the answer names no node and no group. */
  isEmpty(answer: T): boolean
}

export const allGroups: Question<readonly GroupName[]> = {
  label: 'the list of groups',
  ask: async (source, io) => await Array.fromAsync(source.groups?.(io) ?? []),
  find: copy => copy.groups(),
  note(notes, answer) {
    notes.groups = answer
  },
  text: answer => [...answer].sort().join('\n'),
  isEmpty: answer => answer.length === 0,
}

export const allNodes: Question<readonly NodeFacts[]> = {
  label: 'the list of nodes',
  ask: async (source, io) => await Array.fromAsync(source.all?.(io) ?? []),
  find: copy => copy.all(),
  note(notes, answer) {
    notes.all = answer
  },
  text: answer => answer.map(factsText).sort().join('\n'),
  isEmpty: answer => answer.length === 0,
}

export const allRecords: Question<readonly NodeRecord[]> = {
  label: 'the list of nodes',
  ask: async (source, io) => await Array.fromAsync(source.records?.(io) ?? []),
  find: copy => copy.records(),
  note(notes, answer) {
    notes.records = answer
  },
  text: answer => answer.map(factsText).sort().join('\n'),
  isEmpty: answer => answer.length === 0,
}

export const allNetworks: Question<readonly NetworkFacts[]> = {
  label: 'the list of networks',
  ask: async (source, io) => await Array.fromAsync(source.networks?.(io) ?? []),
  find: copy => copy.networks(),
  note(notes, answer) {
    notes.networks = answer
  },
  text: answer => answer.map(factsText).sort().join('\n'),
  // Many a source has none; that alone means nothing.
  isEmpty: () => false,
}

export const membersOf = (group: GroupName): Question<readonly Member[] | undefined> => ({
  label: `group ${shown(group)}`,
  ask: (source, io) => source.members(group, io),
  find: copy => copy.members(group),
  note: (notes, answer) => void notes.members.set(group, answer),
  text: answer => (answer ? membersText(answer) : 'unknown'),
  isEmpty: (answer = []) => answer.length === 0,
})

export const factsOf = (names: readonly NodeName[]): Question<ReadonlyMap<NodeName, NodeFacts>> => ({
  label: names.length === 1 ? `node ${names[0]}` : `${names.length} nodes (${names.slice(0, 3).join(', ')}, ...)`,
  ask: (source, io) => source.nodes(names, io),
  find(copy) {
    const answer = new Map<NodeName, NodeFacts>()
    for (const name of names) {
      const found = copy.node(name)
      if (!found) return undefined
      if (found.answer) answer.set(name, found.answer)
    }
    return { answer }
  },
  note(notes, answer) {
    for (const name of names) notes.nodes.set(name, answer.get(name))
  },
  text: answer => names.map(name => factsText(answer.get(name))).join('\n'),
  isEmpty: answer => answer.size === 0,
})

export const matching = (query: string): Question<readonly Member[]> => ({
  label: `query ${shown(query)}`,
  ask: async (source, io) => (await source.query?.(query, io)) ?? [],
  find: copy => copy.query(query),
  note: (notes, answer) => void notes.queries.set(query, answer),
  text: membersText,
  isEmpty: answer => answer.length === 0,
})
