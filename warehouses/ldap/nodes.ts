/** Entries -> nodes: what each says of its machine, and which belong together. Pure. */
import { parseMac } from '../../src/mac.ts'
import { isNodeName, shown } from '../../src/names.ts'
import type { Row } from '../common/table.ts'
import { dnKey, firstRdn } from './dn.ts'
import { type Entry, valuesOf } from './entry.ts'
import type { Mapping } from './presets.ts'

export interface Nodes {
  /** Those whose name is a name; each name once. */
  readonly rows: readonly Row[]
  /** The name of the node of an entry, fit or not, by `dnKey` of its DN. */
  readonly nameOf: ReadonlyMap<string, string>
  /** The name of the node with this name or alias. */
  readonly named: ReadonlyMap<string, string>
}

interface Found {
  readonly entry: Entry
  readonly row: Row
}

/**
 * An entry with an address is a host. One without, such as an Ethernet device, belongs to the host which has its name or
 * alias; where there is none it is a node by itself. Two hosts of one name, or two devices, are a problem of that name.
 */
export const readNodes = (entries: readonly Entry[], mapping: Mapping): Nodes => {
  const found = entries.map(entry => ({ entry, row: rowOf(entry, mapping) }))
  const hosts = found.filter(({ row }) => row.addresses?.length)
  const devices = found.filter(({ row }) => !row.addresses?.length)
  const rows = new Map<string, Row>()
  const owners = new Map<string, string | undefined>()
  for (const [name, same] of Map.groupBy(hosts, ({ row }) => row.name)) rows.set(name, only(same))
  for (const { row } of hosts)
    for (const alias of row.aliases ?? []) owners.set(alias, owners.has(alias) ? undefined : row.name)

  const nameOf = new Map(hosts.map(({ entry, row }) => [dnKey(entry.dn), row.name]))
  for (const [name, same] of Map.groupBy(devices, ({ row }) => row.name)) {
    const owner = rows.get(name) ?? rows.get(owners.get(name) ?? name)
    const device = only(same)
    const row = owner ? joined(owner, device) : device
    rows.set(row.name, row)
    for (const { entry } of same) nameOf.set(dnKey(entry.dn), row.name)
  }

  const fit = [...rows.values()].filter(({ name }) => isNodeName(name))
  const named = new Map<string, string>()
  for (const { name, aliases = [] } of fit)
    for (const alias of aliases) named.set(alias, named.has(alias) ? alias : name)
  for (const { name } of fit) named.set(name, name)
  return { rows: fit, nameOf, named }
}

const only = (same: readonly Found[]): Row => {
  const [first, second] = same as readonly [Found, ...Found[]]
  if (!second) return first.row
  const problem = `two entries are called ${shown(first.row.name)}: ${shown(first.entry.dn)} and ${shown(second.entry.dn)}`
  return { ...first.row, problem }
}

const joined = (host: Row, device: Row): Row => ({
  ...host,
  aliases: [...(host.aliases ?? []), ...[device.name, ...(device.aliases ?? [])].filter(name => name !== host.name)],
  macs: [...(host.macs ?? []), ...(device.macs ?? [])],
  vars: { ...device.vars, ...host.vars },
  ...((host.problem ?? device.problem) !== undefined && { problem: (host.problem ?? device.problem) as string }),
})

/** What one entry says. */
const rowOf = (entry: Entry, mapping: Mapping): Row => {
  const { readAddress, readMac } = mapping
  const [name = '', ...aliases] = namesOf(entry, mapping.name)
  const written = valuesOf(entry, mapping.address)
  const addresses = readAddress ? written.flatMap(readAddress).map(one => one.trim()) : written
  const macs = valuesOf(entry, mapping.mac).flatMap(value => mac(readMac ? readMac(value) : value))
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
    ...(port !== undefined && isPort && { port: Number(port) }),
    ...(user !== undefined && { user }),
    ...(vars.length > 0 && { vars: Object.fromEntries(vars) }),
    ...(!isPort && { problem: `${shown(entry.dn)} has the port ${shown(port)}, which is none` }),
  }
}

/** The one in the DN first: with several values it is the one which the entry is called by. */
export const namesOf = (entry: Entry, attribute: string): readonly string[] => {
  const values = valuesOf(entry, attribute)
  if (values.length < 2) return values
  const inDn = firstRdn(entry.dn)
    .find(({ type }) => type === attribute.toLowerCase())
    ?.value.toLowerCase()
  const first = values.find(value => value.toLowerCase() === inDn) ?? values[0]
  return [first as string, ...values.filter(value => value !== first)]
}

/** What is no MAC is left out: nobody could wake it. */
const mac = (text: string): readonly string[] => {
  try {
    return [parseMac(text)]
  } catch {
    return [] // the other facts of the node are as good as without it
  }
}
