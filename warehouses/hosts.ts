/** The `hosts` warehouse: the nodes of a hosts(5) file. It has no groups. */
import { BlockList, isIP } from 'node:net'
import { fileChanges } from '../src/base/file-changes.ts'
import { homeFolder } from '../src/base/folders.ts'
import { readText } from '../src/config/read-text.ts'
import { resolvePath } from '../src/config/resolve-path.ts'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import type { Warehouse, WarehouseContext } from '../src/inventory/warehouse.ts'
import { gather, type NodeLine } from './common/gather.ts'
import { type Row, tableWarehouse } from './common/table.ts'

const schema = mapping({ path: text.default('/etc/hosts') })

export const hosts = (options: Readonly<Record<string, unknown>>, { name, folder }: WarehouseContext): Warehouse => {
  const path = resolvePath(parseOptions(schema, options).path, folder, homeFolder())
  const { groups: _, ...table } = tableWarehouse({
    name,
    load: async io => ({ nodes: parseHosts(await readText(path, io)), groups: new Map() }),
  })
  return { ...table, changes: io => fileChanges([path], io) }
}

/**
 * Lines of `address name alias...`; lines with the same first name are one node with many addresses, in the order written.
 * As in the C library, a line which makes no sense is no line. Left out are addresses which are no machine's (unspecified,
 * multicast, broadcast), `localhost` and the like, and loopback addresses of names which have others.
 */
export const parseHosts = (text: string): readonly Row[] => {
  const entries = text.split(/\r?\n/).flatMap(line => {
    const [address = '', name, ...aliases] = line.replace(/#.*/s, '').trim().split(/\s+/)
    const isEntry = isAddress(address) && name !== undefined && !nobodys.check(...family(address)) && !LOCAL.test(name)
    return isEntry ? [{ address, name, aliases: aliases.filter(alias => !LOCAL.test(alias)) }] : []
  })
  const isLoopback = (address: string) => loopback.check(...family(address))
  const elsewhere = new Set(entries.filter(entry => !isLoopback(entry.address)).map(entry => entry.name))
  return gather(
    entries
      .filter(({ name, address }) => !isLoopback(address) || !elsewhere.has(name))
      .map(({ name, address, aliases }): NodeLine => {
        return {
          name,
          addresses: [address],
          aliases,
          macs: [],
          id: undefined,
          port: undefined,
          user: undefined,
          vars: new Map(),
        }
      }),
  )
}

const LOCAL = /^(?:localhost|ip6-)/i

const isAddress = (text: string): boolean => isIP(text) !== 0

/** An address without its zone, and its family. */
const family = (address: string): [string, 'ipv4' | 'ipv6'] => [
  address.replace(/%.*/s, ''),
  address.includes(':') ? 'ipv6' : 'ipv4',
]

const listOf = (networks: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList => {
  const list = new BlockList()
  for (const [network, prefix, type] of networks) list.addSubnet(network, prefix, type)
  return list
}

const loopback = listOf([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
])

const nobodys = listOf([
  ['0.0.0.0', 8, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe00::', 64, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
])
