/** The groups of a site: which of its hosts are in each. */
import type { Abortable } from '../../base/abortable.ts'
import { type StokerError, toStokerError } from '../../base/errors.ts'
import { type GroupName, isNodeName, type NodeName, shown } from '../../base/names.ts'
import { type Resolution, resolve, type Selection } from '../../inventory/resolve.ts'
import type { NodeFacts, NodeRecord, Warehouse } from '../../inventory/warehouse.ts'
import type { Expression, Operator } from '../../nodeset/syntax/expression.ts'
import { unionOf } from '../../nodeset/syntax/union.ts'
import { parseHostName } from './host-name.ts'
import type { Host } from './model.ts'
import type { Source } from './networks.ts'
import type { Problems } from './problem.ts'

/**
 * Every group with its hosts, also those in groups inside it; of several with one name the first warehouse's. A group whose
 * members cannot be known is a problem, and so is each group which contains it.
 */
export const readGroups = async (
  warehouses: readonly Warehouse[],
  lists: readonly Source<NodeRecord>[],
  hosts: readonly Host[],
  problems: Problems,
  io: Abortable,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const lenient = warehouses.map((warehouse, i) => listed(warehouse, lists[i]?.entries ?? []))
  const wanted = await groupsOf(lenient, io)
  const inSite = hostNames(hosts)
  const groups = new Map<string, readonly string[]>()
  const take = (names: readonly Group[], resolution: Resolution) => {
    const namesIn = reader(resolution, inSite)
    for (const group of names) groups.set(group.name, [...namesIn(selectionOf(group))].sort())
  }
  const all = await attempt(wanted, lenient, io)
  if (all.kind === 'resolved') take(wanted, all.resolution)
  else
    for (const group of wanted) {
      const one = await attempt([group], lenient, io)
      if (one.kind === 'resolved') take([group], one.resolution)
      else
        problems.report(
          'bad-group',
          `group ${shown(group.name)} of warehouse ${group.warehouse}: ${one.error.message}`,
          [{ warehouse: group.warehouse, id: group.name }],
          'this group',
        )
    }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
}

interface Group {
  readonly warehouse: string
  readonly name: GroupName
}

type Attempt =
  | { readonly kind: 'resolved'; readonly resolution: Resolution }
  | { readonly kind: 'failed'; readonly error: StokerError }

const attempt = async (groups: readonly Group[], warehouses: readonly Warehouse[], io: Abortable): Promise<Attempt> => {
  const expressions = groups.map(
    ({ warehouse, name }): Expression => ({ kind: 'group', text: `@${warehouse}:${name}`, warehouse, name }),
  )
  try {
    return { kind: 'resolved', resolution: await resolve(unionOf(expressions), warehouses, io) }
  } catch (thrown) {
    io.signal.throwIfAborted()
    return { kind: 'failed', error: toStokerError(thrown, 'groups') }
  }
}

/** How `resolve` calls a group which it was asked for by name and warehouse. */
const selectionOf = ({ warehouse, name }: Group): Selection => ({
  kind: 'group',
  label: `@${name}`,
  key: `@${warehouse}:${name}`,
})

const groupsOf = async (warehouses: readonly Warehouse[], io: Abortable): Promise<readonly Group[]> => {
  const groups = new Map<GroupName, Group>()
  for (const warehouse of warehouses)
    for await (const name of warehouse.groups?.(io) ?? [])
      if (!groups.has(name)) groups.set(name, { warehouse: warehouse.name, name })
  return [...groups.values()]
}

/** The warehouse with what it has listed: asking for a member which is not fit does no harm here, it has been reported already. */
const listed = (warehouse: Warehouse, records: readonly NodeRecord[]): Warehouse => {
  const canList = warehouse.records !== undefined || warehouse.all !== undefined
  const nodes = new Map<string, NodeFacts>()
  for (const { name, aliases = [] } of records)
    if (isNodeName(name)) for (const one of aliases) if (!nodes.has(one)) nodes.set(one, { name })
  for (const { name } of records) if (isNodeName(name)) nodes.set(name, { name })
  return {
    name: warehouse.name,
    members: (group, io) => warehouse.members(group, io),
    nodes: async (names, io) => (canList ? among(nodes, names) : await warehouse.nodes(names, io)),
    ...(warehouse.groups && { groups: (io: Abortable) => warehouse.groups?.(io) ?? every([]) }),
    ...(canList && { all: () => every(new Set(nodes.values())) }),
    ...(warehouse.query && { query: async (text: string, io: Abortable) => (await warehouse.query?.(text, io)) ?? [] }),
    ...(warehouse.lastResort && { lastResort: true }),
    async [Symbol.asyncDispose]() {}, // whoever gave it disposes it
  }
}

const among = (nodes: ReadonlyMap<string, NodeFacts>, names: readonly NodeName[]): ReadonlyMap<NodeName, NodeFacts> =>
  new Map(
    names.flatMap(name => {
      const facts = nodes.get(name)
      return facts ? [[name, facts] as const] : []
    }),
  )

const every = async function* <T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

/** The host of the site by a node's name; `undefined` for one which is not in it. */
const hostNames = (hosts: readonly Host[]): ((node: string) => string | undefined) => {
  const byName = new Map<string, string>()
  for (const { name, aliases } of hosts) for (const alias of aliases) byName.set(alias, name)
  for (const { name } of hosts) byName.set(name, name)
  return node => byName.get(node) ?? byName.get(canonical(node))
}

const canonical = (name: string): string => {
  try {
    return parseHostName(name)
  } catch {
    return '' // no host of a site has such a name; where it was read, that has been reported
  }
}

/** The names of the hosts in a selection; each group is gone through once. */
const reader = (
  { groups }: Resolution,
  hostOf: (node: string) => string | undefined,
): ((selection: Selection) => ReadonlySet<string>) => {
  const known = new Map<string, ReadonlySet<string>>()
  const read = (selection: Selection): ReadonlySet<string> => {
    switch (selection.kind) {
      case 'nodes':
        return new Set(selection.nodes.flatMap(({ facts }) => hostOf(facts.name) ?? []))
      case 'union':
        return selection.parts.map(read).reduce((all, one) => all.union(one), new Set<string>())
      case 'operation':
        return combined(selection.operator, read(selection.left), read(selection.right))
      case 'group': {
        const inside = groups.get(selection.key)
        const names = known.get(selection.key) ?? (inside ? read(inside) : new Set<string>())
        known.set(selection.key, names)
        return names
      }
      default:
        throw new Error(`unknown selection: ${selection satisfies never}`)
    }
  }
  return read
}

const combined = (operator: Operator, left: ReadonlySet<string>, right: ReadonlySet<string>): ReadonlySet<string> => {
  switch (operator) {
    case ',':
      return left.union(right)
    case '!':
      return left.difference(right)
    case '&':
      return left.intersection(right)
    case '^':
      return left.symmetricDifference(right)
    default:
      throw new Error(`unknown operator: ${operator satisfies never}`)
  }
}
