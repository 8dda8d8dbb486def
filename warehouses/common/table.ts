/** Warehouses which read their whole source at the first question, and answer everything from memory afterwards. */
import type { Abortable } from '../../src/base/abortable.ts'
import { orAborted } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { type GroupName, isNodeName, type NodeName, parseGroupName, shown } from '../../src/base/names.ts'
import { parseAttributeQuery } from '../../src/inventory/attribute-query.ts'
import type { Member, NodeFacts, NodeRecord, Warehouse } from '../../src/inventory/warehouse.ts'
import { parseMemberText } from './member-text.ts'

/** What a source says of one node, not yet looked at. */
export type Row = NodeRecord

/** A member of a group, not yet looked at. */
export type RowMember =
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'group'; readonly name: string }
  /** A target expression; a plain name in it may be a node's or a group's. */
  | { readonly kind: 'text'; readonly text: string }

/** A whole source. */
export interface Table {
  /** Each name once. */
  readonly nodes: readonly Row[]
  /** The nodes as the source has them, where that is more than `nodes`: two of one name, what makes no sense. */
  readonly records?: readonly Row[]
  readonly groups: ReadonlyMap<string, readonly RowMember[]>
}

/** A warehouse which can list everything, and answers attribute queries. */
export type TableWarehouse = Warehouse & Required<Pick<Warehouse, 'groups' | 'all' | 'records' | 'query'>>

export interface TableSource {
  readonly name: string
  /** Reads the source. Called for the first question, and again only after it threw. */
  load(io: Abortable): Promise<Table>
  dispose?(): Promise<void>
}

/**
 * A warehouse on a table. What is not fit to be a name, an address or a user reaches nobody: it throws `WAREHOUSE_FAILED`
 * naming it wherever the answer would be shorter without it (a group, the list of all nodes, that node's facts); all other
 * entries are answered.
 */
export const tableWarehouse = ({ name, load, dispose }: TableSource): TableWarehouse => {
  let loading: { readonly index: Promise<Index>; readonly signal: AbortSignal } | undefined
  const index = async (io: Abortable): Promise<Index> => {
    io.signal.throwIfAborted()
    loading ??= { index: load(io).then(table => indexOf(table, name)), signal: io.signal }
    const current = loading
    try {
      return await orAborted(current.index, io)
    } catch (thrown) {
      const isOver = current.signal.aborted || !io.signal.aborted
      if (loading === current && isOver) loading = undefined
      // Whoever asked first gave up; who waited along with it has not.
      if (current.signal.aborted && !io.signal.aborted) return await index(io)
      throw thrown
    }
  }

  return {
    name,
    members: async (group, io) => (await index(io)).members(group),
    nodes: async (names, io) => (await index(io)).nodes(names),
    async *groups(io) {
      yield* (await index(io)).groupNames
    },
    async *all(io) {
      yield* (await index(io)).all()
    },
    async *records(io) {
      yield* (await index(io)).records
    },
    async query(query, io) {
      const matches = parseAttributeQuery(query)
      return (await index(io)).all().flatMap(facts => (matches(facts) ? [{ kind: 'node', name: facts.name }] : []))
    },
    async [Symbol.asyncDispose]() {
      await dispose?.()
    },
  }
}

/**
 * Members which are fit; plain names from texts come last, as one. Throws `WAREHOUSE_FAILED` naming the first one which
 * is not fit.
 */
export const fitMembers = (members: readonly RowMember[], group: string, warehouse: string): readonly Member[] => {
  const names: string[] = []
  const fit = members.flatMap((member): readonly Member[] => {
    if (member.kind === 'text') {
      const expression = parseMemberText(member.text, group, warehouse)
      if (expression.kind !== 'names') return [{ kind: 'expression', expression }]
      names.push(...expression.names)
      return []
    }
    if (member.kind === 'node' && isNodeName(member.name)) return [{ kind: 'node', name: member.name }]
    const name = member.kind === 'group' ? fitGroup(member.name) : undefined
    if (name !== undefined) return [{ kind: 'group', name }]
    throw unfit(warehouse, member.name, `group ${shown(group)} has a member ${shown(member.name)}, which is no name`)
  })
  if (names.length === 0) return fit
  return [...fit, { kind: 'expression', expression: { kind: 'names', text: names.join(','), names } }]
}

/** The error for what could be taken for something else than what it should be. */
export const unfit = (warehouse: string, text: string, what: string): StokerError =>
  new StokerError('WAREHOUSE_FAILED', shown(text), `warehouse ${warehouse}: ${what}; correct it in the source`)

interface Index {
  readonly groupNames: readonly GroupName[]
  members(group: string): readonly Member[] | undefined
  nodes(names: readonly NodeName[]): ReadonlyMap<NodeName, NodeFacts>
  all(): readonly NodeFacts[]
  readonly records: readonly Row[]
}

const indexOf = ({ nodes, groups, records = nodes }: Table, warehouse: string): Index => {
  const known = withoutSharedAliases(nodes.filter((node): node is NodeFacts => isNodeName(node.name)))
  const byName = new Map<string, NodeFacts>()
  for (const facts of known) for (const alias of facts.aliases ?? []) byName.set(alias, facts)
  for (const facts of known) byName.set(facts.name, facts)
  const problems = new Map<string, string>()
  for (const node of nodes) {
    const problem = problemOf(node)
    if (problem !== undefined) problems.set(node.name, problem)
  }
  return {
    groupNames: [...groups.keys()].flatMap(group => fitGroup(group) ?? []),
    members(group) {
      const members = groups.get(group)
      return members && fitMembers(members, group, warehouse)
    },
    nodes(names) {
      const found = new Map<NodeName, NodeFacts>()
      for (const requested of names) {
        const facts = byName.get(requested)
        if (!facts) continue
        const problem = problems.get(facts.name)
        if (problem !== undefined) throw unfit(warehouse, facts.name, problem)
        found.set(requested, facts)
      }
      return found
    },
    all() {
      for (const [name, problem] of problems) throw unfit(warehouse, name, problem)
      return known
    },
    records,
  }
}

// A login program may get it as a word of its own.
const USER = /^[^\s\p{C}-][^\s\p{C}]*$/u

/** Why nobody can act on the node; `undefined` when all is well. */
const problemOf = ({ name, addresses, user, problem }: Row): string | undefined => {
  if (!isNodeName(name)) return `a node is called ${shown(name)}, which is no name`
  const address = addresses?.find(one => !isNodeName(one))
  if (address !== undefined) return `node ${name} has the address ${shown(address)}, which is no address`
  if (user !== undefined && !USER.test(user)) return `node ${name} has the user ${shown(user)}, which is no user's name`
  return problem
}

/**
 * An alias of two nodes names neither. It is left out of the facts as well: a shared full name would make one machine of
 * the two. So are aliases which are no names, and those which are another node's name.
 */
const withoutSharedAliases = (nodes: readonly NodeFacts[]): readonly NodeFacts[] => {
  const owners = new Map<string, NodeFacts | 'several'>(nodes.map(facts => [facts.name, facts]))
  for (const facts of nodes)
    for (const alias of facts.aliases ?? [])
      owners.set(alias, (owners.get(alias) ?? facts) === facts ? facts : 'several')
  return nodes.map(facts => {
    if (!facts.aliases) return facts
    const isOwn = (alias: string) => alias !== facts.name && isNodeName(alias) && owners.get(alias) === facts
    return { ...facts, aliases: [...new Set(facts.aliases.filter(isOwn))] }
  })
}

const fitGroup = (name: string): GroupName | undefined => {
  try {
    return parseGroupName(name)
  } catch {
    return undefined // nobody can ask for such a group; one which has it as a member says so when it is asked
  }
}
