/** Entries -> nodes: what each says of its machine, and which belong together. Pure. */
import { isIP } from 'node:net'
import { parseMac } from '../../src/base/mac.ts'
import { isNodeName, shown } from '../../src/base/names.ts'
import type { NodeRecord } from '../../src/inventory/warehouse.ts'
import type { Row } from '../common/table.ts'
import { dnKey, firstRdn } from './dn.ts'
import { type Entry, valuesOf } from './entry.ts'
import type { Mapping, Reader } from './presets.ts'
import { type Scopes, scopesOf, statementsOf } from './scopes.ts'
import { readStatements, type Said } from './statements.ts'

export interface Nodes {
  /** Those whose name is a name; each name once. */
  readonly rows: readonly Row[]
  /** All, as the entries have them: also two of one name, and what makes no sense. */
  readonly records: readonly NodeRecord[]
  /** The name of the node of an entry, fit or not, by `dnKey` of its DN. */
  readonly nameOf: ReadonlyMap<string, string>
  /** The name of the node with this name or alias. */
  readonly named: ReadonlyMap<string, string>
}

/** An entry, and what is known of its machine. */
interface Found {
  readonly entry: Entry
  readonly row: Row
}

/**
 * An entry with an address is a host. One without, such as an Ethernet device, belongs to the host which has its name or
 * alias; where there is none it is a node by itself. So it is with one which has its address by another schema than the
 * first, if they agree. Two hosts of one name, or two devices, are a problem of that name. `scopes` are entries whose
 * statements are those of the nodes below them.
 */
export const readNodes = (entries: readonly Entry[], mapping: Mapping, scopes: readonly Entry[] = []): Nodes => {
  const around = scopesOf(scopes)
  const isHost = ({ entry }: Found) => read(entry, mapping.addresses.slice(0, 1)).length > 0
  const found = entries.map(entry => ({ entry, row: rowOf(entry, mapping, around) }))
  const { hosts = [], devices = [] } = Object.groupBy(found, one => (isHost(one) ? 'hosts' : 'devices'))
  const machines = new Map<string, Found>()
  const problems = new Map<string, string>()
  const spare: Row[] = []
  const contest = (one: Found, other: Found): void => {
    spare.push(other.row)
    const both = `${shown(one.entry.dn)} and ${shown(other.entry.dn)}`
    problems.set(one.row.name, `two entries are called ${shown(one.row.name)}: ${both}`)
  }
  const only = ([first, ...others]: readonly Found[]): Found => {
    for (const other of others) contest(first as Found, other)
    return first as Found
  }

  for (const [name, same] of Map.groupBy(hosts, ({ row }) => row.name)) machines.set(name, only(same))
  const owners = new Map<string, string | undefined>()
  for (const { row } of hosts)
    for (const alias of row.aliases ?? []) owners.set(alias, owners.has(alias) ? undefined : row.name)
  const nameOf = new Map(hosts.map(({ entry, row }) => [dnKey(entry.dn), row.name]))
  for (const [name, same] of Map.groupBy(devices, ({ row }) => row.name)) {
    const owner = machines.get(name) ?? machines.get(owners.get(name) ?? name)
    const device = only(same)
    if (!owner) machines.set(name, device)
    else if (agree(owner.row, device.row))
      machines.set(owner.row.name, { entry: owner.entry, row: joined(owner.row, device.row) })
    else contest(owner, device)
    for (const { entry } of same) nameOf.set(dnKey(entry.dn), owner?.row.name ?? name)
  }

  const all = [...machines.values()].map(({ row }) => row)
  const rows = all.flatMap(row => (isNodeName(row.name) ? [fit(row, problems.get(row.name))] : []))
  const named = new Map<string, string>()
  for (const { name, aliases = [] } of rows)
    for (const alias of aliases) named.set(alias, named.has(alias) ? alias : name)
  for (const { name } of rows) named.set(name, name)
  return { rows, records: [...all, ...spare], nameOf, named }
}

/** Two addresses of one kind which differ are those of two machines. */
const agree = ({ addresses: mine = [] }: Row, { addresses: theirs = [] }: Row): boolean =>
  [4, 6].every(family => {
    const [ours, others] = [mine, theirs].map(all => all.filter(one => isIP(one) === family)) as [string[], string[]]
    return ours.length === 0 || others.length === 0 || others.some(one => ours.includes(one))
  })

const joined = (host: Row, device: Row): Row => {
  const problem = host.problem ?? device.problem
  const list = <T>(key: string, mine: readonly T[] = [], theirs: readonly T[] = []) =>
    mine.length + theirs.length > 0 && { [key]: [...new Set([...mine, ...theirs])] }
  return {
    ...host,
    aliases: [...(host.aliases ?? []), ...[device.name, ...(device.aliases ?? [])].filter(name => name !== host.name)],
    ...list('addresses', host.addresses, device.addresses),
    ...list('macs', host.macs, device.macs),
    ...list('duids', device.duids, host.duids),
    ...list('hostKeys', host.hostKeys, device.hostKeys),
    ...list('dhcpOptions', host.dhcpOptions, device.dhcpOptions),
    ...((host.boot ?? device.boot) && { boot: { ...device.boot, ...host.boot } }),
    vars: { ...device.vars, ...host.vars },
    furtherIds: [...(host.furtherIds ?? []), device.id ?? device.name, ...(device.furtherIds ?? [])],
    ...(problem !== undefined && { problem }),
  }
}

/** What one can act on: what is no MAC is left out, nobody could wake it. */
const fit = (row: Row, contest: string | undefined): Row => {
  const { macs: written = [], furtherIds: _, ...rest } = row
  const macs = written.flatMap(mac)
  const problem = row.problem ?? contest
  return { ...rest, ...(macs.length > 0 && { macs }), ...(problem !== undefined && { problem }) }
}

/** What one entry says. */
const rowOf = (entry: Entry, mapping: Mapping, scopes: Scopes): Row => {
  const [name = '', ...aliases] = namesOf(entry, mapping.name)
  const addresses = read(entry, mapping.addresses)
  const macs = read(entry, mapping.macs)
  const attributes = attributesOf(entry, mapping, scopes)
  const duids = [...read(entry, mapping.duids), ...(attributes?.duids ?? [])]
  const hostKeys = read(entry, mapping.hostKeys)
  const dhcpOptions = [...read(entry, mapping.options), ...(attributes?.options ?? [])]
  const [file = attributes?.file] = read(entry, mapping.bootFiles)
  const [nextServer = attributes?.nextServer] = read(entry, mapping.nextServers)
  const [port] = valuesOf(entry, mapping.port)
  const [user] = valuesOf(entry, mapping.user)
  const [id = entry.dn] = valuesOf(entry, mapping.id)
  const vars = mapping.vars.flatMap(([key, attribute]) => {
    const values = valuesOf(entry, attribute)
    return values.length === 0 ? [] : [[key, values.length === 1 ? values[0] : values]]
  })
  const isPort = port === undefined || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
  return {
    ...{ name, id },
    ...(aliases.length > 0 && { aliases }),
    ...(addresses.length > 0 && { addresses }),
    ...(macs.length > 0 && { macs }),
    ...(duids.length > 0 && { duids }),
    ...(hostKeys.length > 0 && { hostKeys }),
    ...(dhcpOptions.length > 0 && { dhcpOptions }),
    ...((file ?? nextServer) !== undefined && {
      boot: { ...(file !== undefined && { file }), ...(nextServer !== undefined && { nextServer }) },
    }),
    ...(port !== undefined && isPort && { port: Number(port) }),
    ...(user !== undefined && { user }),
    ...(vars.length > 0 && { vars: Object.fromEntries(vars) }),
    ...(!isPort && { problem: `${shown(entry.dn)} has the port ${shown(port)}, which is none` }),
  }
}

/** What statements of the entry and of those around it say; the nearest one counts. */
const attributesOf = (entry: Entry, { statements }: Mapping, scopes: Scopes): Said | undefined => {
  if (statements.length === 0) return undefined
  const all = [...statementsOf(entry, statements), ...scopes.around(entry.dn)]
  return all.length === 0 ? undefined : readStatements(all)
}

const read = (entry: Entry, readers: readonly Reader[]): readonly string[] => {
  if (readers.length === 0) return NONE
  const [first] = readers
  if (readers.length === 1 && first && !first.read) return valuesOf(entry, first.attribute)
  return readers.flatMap(({ attribute, read: one }) => {
    const values = valuesOf(entry, attribute)
    return one ? values.flatMap(value => one(value)) : values
  })
}

const NONE: readonly never[] = []

/** The one in the DN first: with several values it is the one which the entry is called by. */
export const namesOf = (entry: Entry, attribute: string | undefined): readonly string[] => {
  const values = valuesOf(entry, attribute)
  if (attribute === undefined || values.length < 2) return values
  const inDn = firstRdn(entry.dn)
    .find(({ type }) => type === attribute.toLowerCase())
    ?.value.toLowerCase()
  const first = values.find(value => value.toLowerCase() === inDn) ?? values[0]
  return [first as string, ...values.filter(value => value !== first)]
}

const mac = (text: string): readonly string[] => {
  try {
    return [parseMac(text)]
  } catch {
    return [] // the other facts of the node are as good as without it
  }
}
