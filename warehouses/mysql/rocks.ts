/**
 * The database of a ROCKS frontend, versions 5 to 7. Their tables differ in a few columns, so all columns are asked for and
 * those used which are there.
 */
import { gather, listIn, type NodeLine } from '../common/gather.ts'
import type { RowMember, Table } from '../common/table.ts'
import type { Answer, Session } from './client.ts'
import { plain, textOf } from './rows.ts'

const NODES = `SELECT n.*, i.*, s.*, m.Name AS membership_name, a.Name AS appliance_name
FROM nodes n
LEFT JOIN networks i ON i.Node = n.ID
LEFT JOIN subnets s ON s.ID = i.Subnet
LEFT JOIN memberships m ON m.ID = n.Membership
LEFT JOIN appliances a ON a.ID = m.Appliance
ORDER BY n.ID, COALESCE(s.name, '') <> 'private', i.ID`

const NAMES = `SELECT 'alias' AS kind, Node AS id, Name AS name FROM aliases
UNION ALL SELECT 'group', 0, Name FROM memberships
UNION ALL SELECT 'group', 0, Name FROM appliances`

/** Everything, in two round trips. */
export const loadRocks = async (session: Session): Promise<Table> => {
  const nodes = await session.query(NODES)
  const names = await session.query(NAMES)
  return rocksTable(nodes, names)
}

/** Columns of `nodes` which are facts or numbers of rows elsewhere; the others become vars. */
const NO_VARS = new Set(['id', 'name', 'membership', 'site'])

const rocksTable = (nodes: Answer, names: Answer): Table => {
  const at = placesOf(nodes)
  const own = nodes.columns.flatMap(({ table, name }, i) => {
    const key = name.toLowerCase()
    return table === 'n' && !NO_VARS.has(key) ? [{ key, i }] : []
  })
  const aliases = new Map<string, string[]>()
  const groups = new Map<string, RowMember[]>()
  for (const [kind, id, name] of names.rows) {
    if (kind === 'group') groups.set(textOf(name) ?? '', [])
    else listIn(aliases, String(id)).push(textOf(name) ?? '')
  }

  const seen = new Set<string>()
  const lines = nodes.rows.map((row): NodeLine => {
    const value = (column: string) => textOf(row[at.get(column) ?? -1])
    const id = value('n.id') ?? ''
    const name = value('n.name') ?? ''
    const [membership, appliance] = [value('m.membership_name'), value('a.appliance_name')]
    const vars = new Map<string, unknown>()
    for (const { key, i } of own) if (plain(row[i]) !== undefined) vars.set(key, plain(row[i]))
    if (membership !== undefined) vars.set('membership', membership)
    if (appliance !== undefined) vars.set('appliance', appliance)
    if (!seen.has(id)) {
      seen.add(id)
      const rack = value('n.rack')
      for (const group of new Set([membership, appliance, rack && `rack${rack}`]))
        if (group !== undefined) listIn(groups, group).push({ kind: 'node', name })
    }
    const base = { id, name, vars, port: undefined, user: undefined }
    const known = aliases.get(id) ?? []
    // The management board is another machine: whoever logs in there, or wakes it, means something else.
    if (value('i.device') === 'ipmi') {
      const address = value('i.ip')
      if (address !== undefined) vars.set('ipmi', address)
      return { ...base, addresses: [], macs: [], aliases: known }
    }
    const names = namesOf(value('i.name'), value('s.dnszone'))
    return { ...base, addresses: [value('i.ip')], macs: [value('i.mac')], aliases: [...known, ...names] }
  })
  return { nodes: gather(lines), groups }
}

/** An interface's name, and its full one where the subnet has a DNS zone (since ROCKS 5.4). */
const namesOf = (name: string | undefined, zone: string | undefined): readonly string[] => {
  if (name === undefined) return []
  return zone === undefined ? [name] : [name, `${name}.${zone}`]
}

/** Where each column is, by `table.name` in lower case; the first one counts. */
const placesOf = ({ columns }: Answer): ReadonlyMap<string, number> =>
  new Map(columns.map(({ table, name }, i) => [`${table}.${name.toLowerCase()}`, i] as const).reverse())
