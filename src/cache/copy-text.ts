/** Copies as the text of a file, and back. Everything is parsed on reading: a file is never trusted. Pure. */
import * as z from 'zod'
import { parseMac } from '../mac.ts'
import { type GroupName, isNodeName, type NodeName, parseGroupName } from '../names.ts'
import type { Member, NodeFacts } from '../warehouse.ts'
import type { Batch } from './copy.ts'
import { memberText, parseMember } from './member-text.ts'

/** Another number means another shape, which is not read. */
const VERSION = 1

const name = z.custom<NodeName>(value => typeof value === 'string' && isNodeName(value))

const facts = z.strictObject({
  name,
  id: z.string().exactOptional(),
  aliases: z.array(name).exactOptional(),
  addresses: z.array(name).exactOptional(),
  port: z.int().min(1).max(65_535).exactOptional(),
  // The login program gets it as a word.
  user: z
    .string()
    .regex(/^[^\s\p{C}-][^\s\p{C}]*$/u)
    .exactOptional(),
  macs: z.array(z.string().refine(isMac)).exactOptional(),
  vars: z.record(z.string(), z.unknown()).exactOptional(),
})

const group = z.string().transform(parsedBy(parseGroupName))
const members = z.array(z.string().transform(parsedBy(parseMember)))

// Lists of pairs, because an object cannot have every name for a key. `null`: there is no such group, no such node.
const batch = z.strictObject({
  at: z.int().min(0),
  groups: z.array(group).exactOptional(),
  all: z.array(facts).exactOptional(),
  members: z.array(z.tuple([group, members.nullable()])),
  nodes: z.array(z.tuple([name, facts.nullable()])),
  queries: z.array(z.tuple([z.string(), members])),
})

const copy = z.strictObject({
  stoker: z.literal('copy'),
  version: z.literal(VERSION),
  warehouse: z.string(),
  batches: z.array(batch),
})

/** The batches in the text of a file which was written for this warehouse; throws an `Error` which says what is wrong. */
export const parseCopy = (text: string, warehouse: string): readonly Batch[] => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new Error('it is damaged', { cause })
  }
  const version = z.looseObject({ stoker: z.literal('copy'), version: z.number() }).safeParse(json)
  if (version.success && version.data.version !== VERSION) throw new Error('another version of stoker wrote it')
  const result = copy.safeParse(json)
  if (!result.success) throw new Error('it is damaged', { cause: result.error })
  if (result.data.warehouse !== warehouse) throw new Error('it is of another warehouse')
  const batches = result.data.batches.map(({ members, nodes, queries, ...rest }) => ({
    ...rest,
    members: new Map(members.map(([group, list]) => [group, list ?? undefined])),
    nodes: new Map(nodes.map(([name, one]) => [name, one ?? undefined])),
    queries: new Map(queries),
  }))
  return batches.sort((a, b) => b.at - a.at)
}

/** The text of the file. An answer which could not be read again as it is, is left out. */
export const formatCopy = (batches: readonly Batch[], warehouse: string): string =>
  JSON.stringify({ stoker: 'copy', version: VERSION, warehouse, batches: batches.map(formatBatch) }, withBigInts)

/** Facts as text: two answers say the same when their texts are the same. */
export const factsText = (one: NodeFacts | undefined): string => JSON.stringify(one ?? null, inOrder)

/** Members as text, in an order which is not the source's. */
export const membersText = (list: readonly Member[]): string =>
  list
    .map(member => memberText(member) ?? JSON.stringify(member, inOrder))
    .sort()
    .join('\n')

const formatBatch = ({ at, groups, all, members, nodes, queries }: Batch) => ({
  at,
  ...(groups && { groups }),
  ...(all?.every(isFit) && { all }),
  members: [...members].flatMap(([group, list]) => entry(group, list && formatMembers(list), list)),
  nodes: [...nodes].flatMap(([name, one]) => (one && !isFit(one) ? [] : [[name, one ?? null]])),
  queries: [...queries].flatMap(([query, list]) => entry(query, formatMembers(list), list)),
})

const entry = (key: GroupName | string, texts: readonly string[] | undefined, answer: unknown) =>
  answer !== undefined && texts === undefined ? [] : [[key, texts ?? null]]

const formatMembers = (list: readonly Member[]): readonly string[] | undefined => {
  const texts = list.map(memberText)
  return texts.every(text => text !== undefined) ? texts : undefined
}

const isFit = (one: NodeFacts): boolean => facts.safeParse(one).success

const withBigInts = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/** For `JSON.stringify`: the keys of every object in one order. */
const inOrder = (key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : withBigInts(key, value)

function isMac(text: string): boolean {
  try {
    return parseMac(text) !== ''
  } catch {
    return false // the schema says so
  }
}

function parsedBy<T>(parse: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return parse(text)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: String(thrown) })
      return z.NEVER
    }
  }
}
