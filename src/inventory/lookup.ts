/**
 * Questions to all warehouses at once: batched, each asked once a run, the answers layered in the order of the
 * configuration. What an expression means is not decided here but in `resolve`.
 */
import { isIP } from 'node:net'
import type { Abortable } from '../base/abortable.ts'
import { StokerError, toStokerError } from '../base/errors.ts'
import { type GroupName, isNodeName, type NodeName } from '../base/names.ts'
import type { Member, NodeFacts, Warehouse } from './warehouse.ts'

/** A node as the warehouses gave it, before it is known which nodes are the same machine. */
export interface ResolvedNode {
  /** The name it was asked by: its own, or an alias. */
  readonly requestedName: NodeName
  readonly facts: NodeFacts
  /** Who knows it, in the order of the configuration; none for a name taken as a host name. */
  readonly warehouses: readonly string[]
}

/** What a bare name turned out to be. Both: it is ambiguous. Neither: nobody knows it. */
export interface Found {
  readonly node?: ResolvedNode
  /** The warehouse which knows a group of that name. */
  readonly group?: Warehouse
}

export type Lookup = ReturnType<typeof openLookup>

/** `home` in the methods is the warehouse in whose definition a name stands: it is asked before the others. */
export const openLookup = (warehouses: readonly Warehouse[], io: Abortable) => {
  const ordinary = warehouses.filter(warehouse => !warehouse.lastResort)
  const lastResort = warehouses.filter(warehouse => warehouse.lastResort)
  const loaders = new Map(warehouses.map(warehouse => [warehouse, loader(warehouse, io)]))
  const memberLists = new Map<string, Promise<readonly Member[] | undefined>>()
  const groupLists = new Map<Warehouse, Promise<ReadonlySet<string> | undefined>>()
  const reported = new Set<string>()

  const layers = (home: Warehouse | undefined): readonly Warehouse[] =>
    home ? [home, ...ordinary.filter(warehouse => warehouse !== home)] : ordinary

  const members = (group: GroupName, warehouse: Warehouse): Promise<readonly Member[] | undefined> => {
    const key = `${warehouse.name}\0${group}`
    let list = memberLists.get(key)
    if (!list) {
      list = guarded(warehouse, () => warehouse.members(group, io))
      memberLists.set(key, list)
    }
    return list
  }

  /** The names of a warehouse's groups; `undefined` when it cannot list them. */
  const groupList = (warehouse: Warehouse): Promise<ReadonlySet<string> | undefined> => {
    let list = groupLists.get(warehouse)
    if (!list) {
      list = guarded(warehouse, async () => {
        const names = warehouse.groups?.(io)
        return names && new Set<string>(await Array.fromAsync(names))
      })
      groupLists.set(warehouse, list)
    }
    return list
  }

  /** A group which is listed, or which the warehouse answers though it lists none or keeps it unlisted. */
  const knowsGroup = async (warehouse: Warehouse, name: GroupName): Promise<boolean> => {
    const list = await groupList(warehouse)
    return list?.has(name) || (await members(name, warehouse)) !== undefined
  }

  const nodes = async (names: readonly NodeName[], home: Warehouse | undefined) => {
    if (names.length === 0) return []
    const order = layers(home)
    const answers = await Promise.all(order.map(warehouse => loaders.get(warehouse)?.(names)))
    const found = names.map(name => {
      const known = order.flatMap((warehouse, i) => {
        const facts = answers[i]?.get(name)
        return facts ? [{ warehouse: warehouse.name, facts }] : []
      })
      const [first, ...others] = known
      return first && answered(name, [first, ...others])
    })
    return found
  }

  /** The node which a name means; a warehouse which knows another machine by it is reported. */
  const answered = (name: NodeName, answers: readonly [Answer, ...Answer[]]): ResolvedNode => {
    const { node, contradicting } = layered(name, answers)
    const [first = ''] = node.warehouses
    for (const { warehouse, facts } of contradicting)
      reported.add(
        `${name} is ${ips(node.facts).join(' ')} in ${first} but ${ips(facts).join(' ')} in ${warehouse}; ${first} answers, it comes first`,
      )
    return node
  }

  /** Asks the warehouses of last resort for what nobody else knew. */
  const resort = async (names: readonly NodeName[]): Promise<ReadonlyMap<NodeName, ResolvedNode>> => {
    const found = new Map<NodeName, ResolvedNode>()
    for (const warehouse of lastResort) {
      const missing = names.filter(name => !found.has(name))
      if (missing.length === 0) break
      for (const [requestedName, facts] of (await loaders.get(warehouse)?.(missing)) ?? [])
        found.set(requestedName, { requestedName, facts, warehouses: [warehouse.name] })
    }
    return found
  }

  /** What each bare name is. Groups are looked up by list where there is one, and one by one only for what is no node. */
  const names = async (wanted: readonly string[], home: Warehouse | undefined): Promise<readonly Found[]> => {
    const order = layers(home)
    const nodeNames = wanted.filter(isNodeName)
    const [found, lists] = await Promise.all([nodes(nodeNames, home), Promise.all(order.map(groupList))])
    const nodeOf = new Map(nodeNames.map((name, i) => [name as string, found[i]]))
    const first = await Promise.all(
      wanted.map(async (name): Promise<Found> => {
        const node = nodeOf.get(name)
        const listed = order.filter((_, i) => lists[i]?.has(name))
        if (node && home && node.warehouses[0] === home.name && !listed.includes(home)) return { node }
        const owner = listed[0] ?? (node ? undefined : await unlistedOwner(order, lists, name as GroupName))
        if (home && owner === home && node?.warehouses[0] !== home.name) return { group: owner }
        if (listed.length > 1) noteOwners(name, listed)
        return { ...(node && { node }), ...(owner && { group: owner }) }
      }),
    )
    const lost = wanted.filter((name, i): name is NodeName => isNodeName(name) && !first[i]?.node && !first[i]?.group)
    if (lost.length === 0 || lastResort.length === 0) return first
    const late = await resort(lost)
    return first.map((one, i) => {
      const node = one.node || one.group ? undefined : late.get(wanted[i] as NodeName)
      return node ? { node } : one
    })
  }

  const unlistedOwner = async (
    order: readonly Warehouse[],
    lists: readonly (ReadonlySet<string> | undefined)[],
    name: GroupName,
  ): Promise<Warehouse | undefined> => {
    for (const [i, warehouse] of order.entries())
      if (!lists[i] && (await members(name, warehouse)) !== undefined) return warehouse
    return undefined
  }

  const noteOwners = (name: string, owners: readonly Warehouse[]): void => {
    const [first, ...others] = owners.map(owner => owner.name)
    reported.add(
      `group ${name} is in ${owners.length} warehouses; ${first} answers (write @${others[0]}:${name} for the other)`,
    )
  }

  return {
    names,
    nodes,
    members,
    /** Each name as a host, in order: what is known of it, if anything is. No name means a group. */
    async hosts(wanted: readonly NodeName[]): Promise<readonly ResolvedNode[]> {
      const found = await nodes(wanted, undefined)
      const late = await resort(wanted.filter((_, i) => !found[i]))
      return wanted.map(
        (name, i) => found[i] ?? late.get(name) ?? { requestedName: name, facts: { name }, warehouses: [] },
      )
    },
    /** The warehouse which answers for a group: the named one, else the first of home and the others which knows it. */
    async groupOwner(name: GroupName, from: string | undefined, home: Warehouse | undefined) {
      const order = from === undefined ? layers(home) : [named(warehouses, from)]
      const knows = await Promise.all(order.map(warehouse => knowsGroup(warehouse, name)))
      const owners = order.filter((_, i) => knows[i])
      if (owners.length > 1 && owners[0] !== home) noteOwners(name, owners)
      return owners[0]
    },
    /** All nodes of one warehouse, or of all which can list them. */
    async everyNode(from: string | undefined): Promise<readonly ResolvedNode[]> {
      const able = (from === undefined ? warehouses : [named(warehouses, from)]).filter(warehouse => warehouse.all)
      if (able.length === 0)
        throw new StokerError(
          'UNKNOWN_NAME',
          from ?? '@*',
          `${from ?? 'no warehouse'} can${from ? 'not' : ''} list all its nodes, which * and /.../ need; name a group instead`,
        )
      const lists = await Promise.all(
        able.map(warehouse => guarded(warehouse, () => Array.fromAsync(warehouse.all?.(io) ?? []))),
      )
      const known = new Map<NodeName, Answer[]>()
      for (const [i, list] of lists.entries())
        for (const facts of list) {
          const entry = { warehouse: (able[i] as Warehouse).name, facts }
          const others = known.get(facts.name)
          if (others) others.push(entry)
          else known.set(facts.name, [entry])
        }
      return [...known].flatMap(([name, answers]) => allLayered(name, answers))
    },
    named: (name: string): Warehouse => named(warehouses, name),
    async query(warehouse: Warehouse, query: string): Promise<readonly Member[]> {
      if (!warehouse.query)
        throw new StokerError(
          'EXPRESSION',
          query,
          `${warehouse.name} does not answer queries such as @${warehouse.name}:(${query})`,
        )
      return await guarded(warehouse, async () => (await warehouse.query?.(query, io)) ?? [])
    },
    /** All names there are, for "did you mean"; what cannot be listed is left out: what is wrong has been reported. */
    async knownNames(): Promise<{ readonly nodes: readonly string[]; readonly groups: readonly string[] }> {
      const lists = await Promise.allSettled(ordinary.map(groupList))
      const nodes = await Promise.allSettled(ordinary.map(one => Array.fromAsync(one.all?.(io) ?? [])))
      return {
        groups: lists.flatMap(list => (list.status === 'fulfilled' ? [...(list.value ?? [])] : [])),
        nodes: nodes.flatMap(list => (list.status === 'fulfilled' ? list.value.map(facts => facts.name) : [])),
      }
    },
    sourceNames: (): string => warehouses.map(warehouse => warehouse.name).join(', '),
    notices: (): readonly string[] => [...reported],
  }
}

const named = (warehouses: readonly Warehouse[], name: string): Warehouse => {
  const warehouse = warehouses.find(one => one.name === name)
  if (warehouse) return warehouse
  const names = warehouses.map(one => one.name).join(', ')
  throw new StokerError('UNKNOWN_NAME', name, `no warehouse is called ${name}; there is: ${names}`)
}

/** Anything a warehouse throws means that it is broken, unless it already says what it is. */
const guarded = async <T>(warehouse: Warehouse, question: () => Promise<T>): Promise<T> => {
  try {
    return await question()
  } catch (thrown) {
    const error = toStokerError(thrown, warehouse.name, 'WAREHOUSE_FAILED')
    if (error === thrown) throw error
    throw new StokerError('WAREHOUSE_FAILED', warehouse.name, `warehouse ${warehouse.name}: ${error.message}`, {
      cause: thrown,
    })
  }
}

/** Collects the names asked for in one turn of the event loop into one question, and remembers every answer. */
const loader = (warehouse: Warehouse, io: Abortable) => {
  const known = new Map<NodeName, NodeFacts | undefined>()
  let waiting: { readonly names: Set<NodeName>; readonly answer: Promise<void> } | undefined
  return async (names: readonly NodeName[]): Promise<ReadonlyMap<NodeName, NodeFacts>> => {
    const missing = names.filter(name => !known.has(name))
    if (missing.length > 0) {
      waiting ??= collect()
      for (const name of missing) waiting.names.add(name)
      await waiting.answer
    }
    const found = new Map<NodeName, NodeFacts>()
    for (const name of names) {
      const facts = known.get(name)
      if (facts) found.set(name, facts)
    }
    return found
  }

  function collect() {
    const names = new Set<NodeName>()
    const answer = new Promise(setImmediate).then(async () => {
      waiting = undefined
      const list = [...names]
      const answers = await guarded(warehouse, () => warehouse.nodes(list, io))
      for (const name of list) known.set(name, answers.get(name))
    })
    return { names, answer }
  }
}

interface Answer {
  readonly warehouse: string
  readonly facts: NodeFacts
}

/**
 * One node out of several warehouses' answers: the first one's facts, filled up by those which do not contradict it. Those
 * which do, by having other addresses, are returned beside it: under the same name they know another machine.
 */
const layered = (requestedName: NodeName, answers: readonly [Answer, ...Answer[]]) => {
  const [first, ...others] = answers
  let facts = first.facts
  const warehouses = [first.warehouse]
  const contradicting: Answer[] = []
  for (const other of others) {
    const mine = ips(facts)
    const theirs = ips(other.facts)
    if (mine.length > 0 && theirs.length > 0 && !theirs.some(address => mine.includes(address))) {
      contradicting.push(other)
      continue
    }
    facts = filled(facts, other.facts)
    warehouses.push(other.warehouse)
  }
  return { node: { requestedName, facts, warehouses }, contradicting }
}

/** All machines which go by one name, each with the warehouses which agree on it. */
const allLayered = (name: NodeName, answers: readonly Answer[]): readonly ResolvedNode[] => {
  const [first, ...others] = answers
  if (!first) return []
  const { node, contradicting } = layered(name, [first, ...others])
  return [node, ...allLayered(name, contradicting)]
}

const ips = (facts: NodeFacts): readonly string[] => (facts.addresses ?? []).filter(address => isIP(address) !== 0)

/** `facts`, with what it lacks taken from `more`; lists are joined, the first one's entries in front. */
export const filled = (facts: NodeFacts, more: NodeFacts): NodeFacts => ({
  ...more,
  ...facts,
  aliases: joined(facts.aliases, more.aliases).filter(alias => alias !== facts.name),
  addresses: joined(facts.addresses, more.addresses),
  macs: joined(facts.macs, more.macs),
  vars: { ...more.vars, ...facts.vars },
})

const joined = (a: readonly string[] = [], b: readonly string[] = []): readonly string[] => [...new Set([...a, ...b])]
