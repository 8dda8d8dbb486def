/**
 * Copies as the text of a file, and back. Everything is looked at on reading: a file is never trusted. Not by a schema:
 * ten thousand nodes are read before a run begins. Pure.
 */
import { type GroupName, parseGroupName, parseNodeName } from '../../base/names.ts'
import type { Member, NetworkFacts, NodeFacts, NodeRecord } from '../warehouse.ts'
import type { Batch } from './copy.ts'
import { isFacts, isNetwork, isRecord } from './facts-shape.ts'
import { memberText, parseMember } from './member-text.ts'

/** Another number means another shape, which is not read. */
const VERSION = 1

/** The batches in the text of a file which was written for this warehouse; throws an `Error` which says what is wrong. */
export const parseCopy = (text: string, warehouse: string): readonly Batch[] => {
  const { stoker, version, warehouse: owner, batches } = damaged(() => entriesOf(JSON.parse(text)))
  if (stoker !== 'copy') throw new Error('it is no copy of a warehouse')
  if (version !== VERSION) throw new Error('another version of stoker wrote it')
  if (owner !== warehouse) throw new Error('it is of another warehouse')
  return damaged(() => listOf(batches, parseBatch).sort((a, b) => b.at - a.at))
}

/** The text of the file. An answer which could not be read again as it is, is left out. */
export const formatCopy = (batches: readonly Batch[], warehouse: string): string =>
  JSON.stringify({ stoker: 'copy', version: VERSION, warehouse, batches: batches.map(formatBatch) })

/** Facts as text: two answers are equal when their texts are. */
export const factsText = (one: NodeRecord | NetworkFacts | undefined): string => JSON.stringify(one ?? null, inOrder)

/** Members as text, in an order which is not the source's. */
export const membersText = (list: readonly Member[]): string =>
  list
    .map(member => memberText(member) ?? JSON.stringify(member, inOrder))
    .sort()
    .join('\n')

const damaged = <T>(parse: () => T): T => {
  try {
    return parse()
  } catch (cause) {
    throw new Error('it is damaged', { cause })
  }
}

const parseBatch = (value: unknown): Batch => {
  const { at, groups, all, records, networks, members, nodes, queries } = entriesOf(value)
  return {
    at: parseTime(at),
    ...(groups !== undefined && { groups: listOf(groups, parseGroup) }),
    ...(all !== undefined && { all: listOf(all, parseFacts) }),
    ...(records !== undefined && { records: listOf(records, parseRecord) }),
    ...(networks !== undefined && { networks: listOf(networks, parseNetwork) }),
    members: pairsOf(members, parseGroup, list => (list === null ? undefined : listOf(list, parseMemberOf))),
    nodes: pairsOf(
      nodes,
      name => parseNodeName(textOf(name)),
      one => (one === null ? undefined : parseFacts(one)),
    ),
    queries: pairsOf(queries, textOf, list => listOf(list, parseMemberOf)),
  }
}

// Lists of pairs, because an object cannot have every name for a key. `null`: there is no such group, no such node.
const formatBatch = ({ at, groups, all, records, networks, members, nodes, queries }: Batch) => ({
  at,
  ...(groups && { groups }),
  ...(all?.every(isFacts) && { all }),
  ...(records?.every(isRecord) && { records }),
  ...(networks?.every(isNetwork) && { networks }),
  members: [...members].flatMap(([group, list]) => pair(group, list && formatMembers(list), list)),
  nodes: [...nodes].flatMap(([name, one]) => (one && !isFacts(one) ? [] : [[name, one ?? null]])),
  queries: [...queries].flatMap(([query, list]) => pair(query, formatMembers(list), list)),
})

const pair = (key: GroupName | string, texts: readonly string[] | undefined, answer: unknown) =>
  answer !== undefined && texts === undefined ? [] : [[key, texts ?? null]]

const formatMembers = (list: readonly Member[]): readonly string[] | undefined => {
  const texts = list.map(memberText)
  return texts.every(text => text !== undefined) ? texts : undefined
}

type Entries = Readonly<Record<string, unknown>>

const entriesOf = (value: unknown): Entries => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Entries
  throw new TypeError('expected an object')
}

const listOf = <T>(value: unknown, parse: (one: unknown) => T): T[] => {
  if (Array.isArray(value)) return value.map(one => parse(one))
  throw new TypeError('expected a list')
}

const pairsOf = <K, V>(value: unknown, key: (one: unknown) => K, item: (one: unknown) => V): ReadonlyMap<K, V> =>
  new Map(
    listOf(value, one => {
      if (Array.isArray(one) && one.length === 2) return [key(one[0]), item(one[1])]
      throw new TypeError('expected a pair')
    }),
  )

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  throw new TypeError('expected text')
}

const parseTime = (value: unknown): number => {
  if (Number.isSafeInteger(value)) return Number(value)
  throw new TypeError('expected a time')
}

const parseGroup = (value: unknown): GroupName => parseGroupName(textOf(value))

const parseMemberOf = (value: unknown): Member => parseMember(textOf(value))

const parseFacts = (value: unknown): NodeFacts => {
  if (isFacts(value)) return value
  throw new TypeError('expected what is known of a node')
}

const parseRecord = (value: unknown): NodeRecord => {
  if (isRecord(value)) return value
  throw new TypeError('expected what is said of a node')
}

const parseNetwork = (value: unknown): NetworkFacts => {
  if (isNetwork(value)) return value
  throw new TypeError('expected what is said of a network')
}

/** For `JSON.stringify`: the keys of every object in one order. */
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
