/**
 * Whether a warehouse's server can be found while this machine's own name service is down: at its start, the name of the
 * server must not need it.
 */
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { readBytes } from './files.ts'

/** A name which only DNS knows. */
export interface NeededName {
  readonly warehouse: string
  readonly name: string
  /** `itself`: all name servers which this machine asks are its own. `dns`: there are others. */
  readonly asks: 'itself' | 'dns'
}

/** A host which a warehouse's options name. */
export interface WarehouseServer {
  readonly warehouse: string
  readonly host: string
}

/** What the configuration has of a warehouse: the part of an entry which is needed here. */
export interface WarehouseOptions {
  readonly name: string
  readonly kind: { readonly kind: 'path' | 'name'; readonly name?: string }
  readonly options: Readonly<Record<string, unknown>>
}

/** The servers of warehouses which are in a network: `url` of a directory, `host` of a database. Pure. */
export const warehouseServers = (warehouses: readonly WarehouseOptions[]): readonly WarehouseServer[] =>
  warehouses.flatMap(({ name, kind, options }) => {
    if (kind.name === 'ldap')
      return [options.url].flat().flatMap(url => {
        const host = /^ldaps?:\/\/(\[[^\]]+\]|[^:/]+)/i.exec(String(url))?.[1]
        return host === undefined ? [] : [{ warehouse: name, host: host.replace(/^\[(.*)\]$/, '$1') }]
      })
    return kind.name === 'mysql' && typeof options.host === 'string' ? [{ warehouse: name, host: options.host }] : []
  })

/** Those of the servers whose names neither are addresses nor stand in the machine's hosts file. */
export const namesFromDns = async (
  servers: readonly WarehouseServer[],
  { root }: { readonly root: string },
): Promise<readonly NeededName[]> => {
  const known = hostsNames((await readBytes(`${root}/etc/hosts`)) ?? '')
  const isKnown = (host: string) => isIP(host) !== 0 || known.has(host.toLowerCase().replace(/\.$/, ''))
  const unknown = servers.filter(({ host }) => !isKnown(host))
  if (unknown.length === 0) return []
  const upstream = await readBytes(`${root}/run/systemd/resolve/resolv.conf`)
  const own = nameServers((await readBytes(`${root}/etc/resolv.conf`)) ?? '')
  // resolved's stub is no server of the site: whom it asks counts.
  const nameServersAsked = own.every(isStub) && upstream !== undefined ? nameServers(upstream) : own
  const asks = nameServersAsked.every(isHere) ? 'itself' : 'dns'
  return unknown.map(({ warehouse, host }) => ({ warehouse, name: host, asks }))
}

/** The names in a hosts file (hosts(5)), and `localhost`, which needs no file (RFC 6761 section 6.3). */
const hostsNames = (text: string): ReadonlySet<string> =>
  new Set([
    'localhost',
    ...text.split('\n').flatMap(line => {
      const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
      return isIP(address) === 0 ? [] : names.map(name => name.toLowerCase())
    }),
  ])

/** resolv.conf(5): without any, the machine itself is asked. */
const nameServers = (text: string): readonly string[] =>
  [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = '']) => address)

const isStub = (address: string): boolean => address === '127.0.0.53' || address === '127.0.0.54'

const isHere = (address: string): boolean =>
  address.startsWith('127.') ||
  Object.values(networkInterfaces()).some(ones => ones?.some(one => one.address === address))
