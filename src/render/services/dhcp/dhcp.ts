/** What every DHCP server gets, before it is put in the syntax of one of them. Pure. */
import * as z from 'zod'
import type { DhcpOption } from '../../data/model.ts'
import { address, type Common, seconds, several, wantedNetworks } from '../settings.ts'
import type { HostView, NetworkView, SiteView } from '../view.ts'
import { hostOptions, networkOptions } from './client-options.ts'

/** Settings of every DHCP server. */
export const DHCP_SETTINGS = {
  /** Whether it speaks for all DHCP on its networks, and refuses addresses which it knows nothing of. */
  authoritative: z.boolean().default(false),
  /** For networks which have no time of their own. */
  'lease-time': seconds.default(12 * 3600),
  /** Name servers of networks which name none. */
  dns: several(address).default([]),
  /** Whether the ranges are for machines which nobody has entered. */
  'unknown-clients': z.enum(['allow', 'deny']).default('allow'),
  /** The networks which are served, by name; all of the family if there is no such list. */
  networks: z.array(z.string()).optional(),
}

export type DhcpSettings = Common & z.output<z.ZodObject<typeof DHCP_SETTINGS>>

export interface DhcpData extends SiteView {
  /** Those which are served. */
  readonly networks: readonly DhcpNetwork[]
  /** The same, one wire after the other. */
  readonly wires: readonly { readonly shared: string | undefined; readonly networks: readonly DhcpNetwork[] }[]
  readonly clients: readonly Client[]
  readonly settings: DhcpSettings
  readonly values: Readonly<Record<string, unknown>>
}

export interface DhcpNetwork extends NetworkView {
  /** All options which clients get, one of a name: routers, name servers and domain, too. */
  readonly clientOptions: readonly DhcpOption[]
  readonly reservations: readonly Reservation[]
}

/** How a client is known: by its Ethernet address, or by its DUID. */
export interface Identifier {
  readonly kind: 'mac' | 'duid'
  readonly text: string
}

/** An address which is kept for one client; several identifiers are several interfaces of it, of which one at a time asks. */
export interface Reservation {
  readonly host: HostView
  readonly identifiers: readonly Identifier[]
  readonly address: string
  /** The options which it gets in this network beyond what the network says. */
  readonly clientOptions: readonly DhcpOption[]
}

/** One identifier of one host, with an address in each network which it may turn up in; none: whatever is free. */
export interface Client {
  /** The host's name, with a number behind it from its second client on: `web1_2`. No host's name has an underscore. */
  readonly id: string
  readonly host: HostView
  readonly identifier: Identifier
  readonly addresses: readonly string[]
  readonly clientOptions: readonly DhcpOption[]
}

export const dhcpData = (view: SiteView, family: 4 | 6, settings: DhcpSettings): DhcpData => {
  const wanted = wantedNetworks(view.networks, settings.networks).filter(network => network.family === family)
  const networks = wanted.map(network => ({
    ...network,
    clientOptions: networkOptions(network, settings.dns),
    reservations: reservationsOf(network),
  }))
  return {
    ...view,
    networks,
    wires: wiresOf(networks),
    clients: clientsOf(view.hosts, networks, family),
    settings,
    values: settings.values,
  }
}

const identifiersOf = ({ macs, duids }: HostView, family: 4 | 6): readonly Identifier[] =>
  family === 6 && duids.length > 0
    ? duids.map(text => ({ kind: 'duid', text }))
    : macs.map(text => ({ kind: 'mac', text }))

/**
 * As many addresses as interfaces in one network: the first to the first, and so on. Otherwise every interface may have the
 * first address: what else there is nobody has said for whom.
 */
const reservationsOf = (network: NetworkView): readonly Reservation[] => {
  const { members, family } = network
  const addresses = new Map<HostView, string[]>()
  for (const { host, address } of members) {
    const list = addresses.get(host)
    if (list) list.push(address)
    else addresses.set(host, [address])
  }
  return [...addresses].flatMap(([host, found]): readonly Reservation[] => {
    const identifiers = identifiersOf(host, family)
    // The members are in the order of their addresses; what is paired is in the warehouse's.
    const ordered =
      found.length > 1 ? host.addresses.filter(({ text }) => found.includes(text)).map(({ text }) => text) : found
    const [address] = ordered
    if (address === undefined || identifiers.length === 0) return []
    const clientOptions = hostOptions(host, [network], family)
    if (ordered.length !== identifiers.length) return [{ host, identifiers, address, clientOptions }]
    return identifiers.map((identifier, i) => ({
      host,
      identifiers: [identifier],
      address: ordered[i] ?? address,
      clientOptions,
    }))
  })
}

const clientsOf = (hosts: readonly HostView[], networks: readonly DhcpNetwork[], family: 4 | 6): readonly Client[] => {
  const reserved = new Map<HostView, { readonly network: DhcpNetwork; readonly reservation: Reservation }[]>()
  for (const network of networks)
    for (const reservation of network.reservations) {
      const list = reserved.get(reservation.host)
      if (list) list.push({ network, reservation })
      else reserved.set(reservation.host, [{ network, reservation }])
    }
  return hosts.flatMap(host => {
    const own = reserved.get(host) ?? []
    const elsewhere = own.length === 0 && host.addresses.some(address => address.family === family)
    if (elsewhere || (family === 6 && own.length === 0)) return []
    const clientOptions = hostOptions(
      host,
      own.map(({ network }) => network),
      family,
    )
    const clients = identifiersOf(host, family).flatMap(identifier => {
      const addresses = own.flatMap(({ reservation }) =>
        reservation.identifiers.some(({ text }) => text === identifier.text) ? [reservation.address] : [],
      )
      // dhcpd takes one IPv6 address for one declaration, and finds the one which fits among several of them.
      const parts = family === 6 ? addresses.map(address => [address]) : [addresses]
      return parts.map(part => ({ identifier, addresses: part }))
    })
    return clients.map((client, i) => ({
      ...client,
      id: i === 0 ? host.name : `${host.name}_${i + 1}`,
      host,
      clientOptions,
    }))
  })
}

const wiresOf = (networks: readonly DhcpNetwork[]): DhcpData['wires'] => {
  const wires = Map.groupBy(networks, network => network.shared ?? network)
  return [...wires.values()].map(list => ({ shared: list[0]?.shared, networks: list }))
}
