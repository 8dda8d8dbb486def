/** The `ldap` warehouse: nodes and groups in a directory. */
import type { Abortable } from '../src/base/abortable.ts'
import { StokerError } from '../src/base/errors.ts'
import { shown } from '../src/base/names.ts'
import type { Member, NetworkFacts, WarehouseContext } from '../src/inventory/warehouse.ts'
import { type TableWarehouse, tableWarehouse } from './common/table.ts'
import type { Entry } from './ldap/entry.ts'
import { both, type Filter, parseFilter } from './ldap/filter.ts'
import { GROUP_NAME, type Groups, NETGROUP_ATTRIBUTES, readGroups } from './ldap/groups.ts'
import { NETWORK_ATTRIBUTES, readNetworks } from './ldap/networks.ts'
import { readNodes } from './ldap/nodes.ts'
import type { Mapping } from './ldap/presets.ts'
import type { Question } from './ldap/search.ts'
import { openServers } from './ldap/servers.ts'
import { parseSettings, type Settings } from './ldap/settings.ts'
import { changes } from './ldap/watch/watch.ts'

/**
 * Reads all nodes and all groups at the first question, in two searches at once, and keeps them as long as it lives: a run
 * sees one state. A group which is a filter, and a query, are one search more the first time they are asked for.
 */
export const ldap = (options: Readonly<Record<string, unknown>>, context: WarehouseContext): TableWarehouse => {
  const settings = parseSettings(options, context)
  const servers = openServers(settings)
  let groups: Groups | undefined
  const table = tableWarehouse({
    name: context.name,
    async load(io) {
      const answers = await servers.ask('nodes and groups', everything(settings), io)
      const [nodeEntries = [], groupEntries = [], scopeEntries] = answers
      const nodes = readNodes(nodeEntries, settings.mapping, scopeEntries)
      groups = readGroups(groupEntries, nodes, settings)
      // Who the members are is told when somebody asks: a broken group which nobody needs does no harm.
      const names = [...groups.names, ...settings.filters.keys()]
      return { nodes: nodes.rows, records: nodes.records, groups: new Map(names.map(name => [name, []])) }
    },
    dispose: async () => await servers[Symbol.asyncDispose](),
  })

  const answers = new Map<string, readonly Entry[]>()
  /** The nodes for which a filter holds; searched for once. */
  const matching = async (filter: Filter, label: string, io: Abortable): Promise<readonly Member[]> => {
    let found = answers.get(label)
    if (!found) {
      const { bases, filter: isNode } = settings.nodes
      const question = { bases, filter: both(isNode, filter), attributes: NONE }
      found = (await servers.ask(label, [question], io)).flat()
      answers.set(label, found)
    }
    return groups?.matches(found, label) ?? []
  }

  let networks: readonly NetworkFacts[] | undefined
  const question = networksQuestion(settings)
  return {
    ...table,
    ...(question && {
      async *networks(io: Abortable) {
        io.signal.throwIfAborted()
        networks ??= readNetworks((await servers.ask('networks', [question], io)).flat())
        yield* networks
      },
    }),
    changes: io => changes(settings, [...everything(settings), ...(question ? [question] : [])], io),
    async members(group, io) {
      await table.members(group, io) // has everything loaded
      const filter = settings.filters.get(group)
      if (filter) return await matching(filter, `the nodes of filter ${shown(group)}`, io)
      return groups?.has(group) ? groups.members(group) : undefined
    },
    async query(query, io) {
      const filter = queryFilter(query, context.name)
      await table.nodes([], io)
      return await matching(filter, `the nodes of query ${shown(query)}`, io)
    },
  }
}

/** RFC 4511 section 4.5.1.8: no attributes, the DN will do. */
const NONE = ['1.1']

const everything = ({ nodes, groups, scopes, mapping }: Settings): readonly Question[] => [
  { ...nodes, attributes: attributesOf(mapping) },
  { ...(groups ?? NOTHING), attributes: [GROUP_NAME, ...mapping.members, ...NETGROUP_ATTRIBUTES] },
  ...(scopes ? [{ ...scopes, attributes: mapping.statements }] : []),
]

/** No base: no search. */
const NOTHING: Pick<Question, 'bases' | 'filter'> = { bases: [], filter: parseFilter('(objectClass=*)') }

const networksQuestion = ({ networks }: Settings): Question | undefined =>
  networks && { ...networks, attributes: NETWORK_ATTRIBUTES }

const attributesOf = (mapping: Mapping): readonly string[] => {
  const { name, port, user, id, statements, vars } = mapping
  const { addresses, macs, duids, bootFiles, nextServers, hostKeys, options } = mapping
  const readers = [addresses, macs, duids, bootFiles, nextServers, hostKeys, options].flat()
  const all = [name, port, user, id, ...readers.map(one => one.attribute), ...statements, ...vars.map(one => one[1])]
  return [...new Set(all.filter(one => one !== undefined))]
}

const queryFilter = (query: string, warehouse: string): Filter => {
  try {
    return parseFilter(query)
  } catch (cause) {
    const example = `@${warehouse}:(description=apache) or @${warehouse}:(&(l=rack3)(!(cn=web1)))`
    throw new StokerError(
      'EXPRESSION',
      query,
      `no LDAP filter: ${(cause as Error).message}; write it like ${example}`,
      { cause },
    )
  }
}
