/** The zones of a site: forward ones of its domains, reverse ones of its networks, and how they hang together. Pure. */

import { isIPv4 } from 'node:net'
import type { Site } from '../../data/model.ts'
import { wantedNetworks } from '../settings.ts'
import { type HostView, type NetworkView, type SiteView, viewOf } from '../view.ts'
import { type Classless, reverseOwner, reverseZones } from './reverse-zones.ts'
import type { Zone, ZoneRecord } from './zone.ts'

export interface ZonesWanted {
  readonly domain?: string | undefined
  /** The forward zones; the domains of the networks and of the site if there is no such list. */
  readonly zones?: readonly string[] | undefined
  /** The networks which have reverse zones, by name. */
  readonly networks?: readonly string[] | undefined
  /** Full names. */
  readonly nameservers: readonly string[]
  readonly classless: Classless
}

/** All zones, in the order of their names, each name once. */
export const zonesOf = (site: Site, wanted: ZonesWanted): readonly Zone[] => {
  const view = viewOf(site, wanted)
  const domains = wanted.zones ?? [
    ...(wanted.domain === undefined ? [] : [wanted.domain]),
    ...view.networks.flatMap(({ domain }) => domain ?? []),
  ]
  const zones = new Map<string, ZoneRecord[]>(domains.map(name => [name, []]))
  addReverse(zones, wantedNetworks(view.networks, wanted.networks), wanted.classless)
  addForward(zones, view)
  addDelegations(zones, view, wanted.nameservers)
  return [...zones].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, records]) => ({ name, records }))
}

type Zones = Map<string, ZoneRecord[]>

/** The records of the zone of this name, which is there from now on. */
const zone = (zones: Zones, name: string): ZoneRecord[] => {
  const known = zones.get(name) ?? []
  zones.set(name, known)
  return known
}

/** The nearest zone which a name is in. */
const zoneAround = (zones: Zones, name: string): string | undefined => {
  for (let part = name; ; part = part.slice(part.indexOf('.') + 1)) {
    if (zones.has(part)) return part
    if (!part.includes('.')) return undefined
  }
}

const relative = (name: string, zone: string): string => (name === zone ? '@' : name.slice(0, -zone.length - 1))

const addReverse = (zones: Zones, networks: readonly NetworkView[], classless: Classless): void => {
  for (const network of networks) {
    for (const { name, records } of reverseZones(network, classless)) zone(zones, name).push(...records)
    for (const { host, address } of network.members) {
      const { zone: name, owner } = reverseOwner(network, address, classless)
      zone(zones, name).push({ owner, type: 'PTR', data: `${host.fqdn}.` })
    }
  }
}

/** Addresses for names, and aliases as CNAME where that is allowed: for one host, beside nothing else (RFC 1034 section 3.6.2). */
const addForward = (zones: Zones, { hosts }: SiteView): void => {
  const names = Map.groupBy(hosts, ({ fqdn }) => fqdn)
  const aliases = new Map<string, HostView[]>()
  for (const host of hosts)
    for (const alias of host.aliases) {
      const list = aliases.get(alias)
      if (list) list.push(host)
      else aliases.set(alias, [host])
    }
  for (const [name, list] of names) addAddresses(zones, name, list)
  for (const [alias, list] of [...aliases].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (names.has(alias)) continue
    const around = zoneAround(zones, alias)
    const [only, ...others] = list
    if (around === undefined || !only) continue
    if (alias === around || others.length > 0) addAddresses(zones, alias, list)
    else if (only.addresses.length > 0)
      zones.get(around)?.push({ owner: relative(alias, around), type: 'CNAME', data: `${only.fqdn}.` })
  }
}

const addAddresses = (zones: Zones, name: string, hosts: readonly HostView[]): void => {
  const around = zoneAround(zones, name)
  if (around === undefined) return
  const records = zones.get(around)
  for (const text of new Set(hosts.flatMap(({ addresses }) => addresses.map(one => one.text))))
    records?.push({ owner: relative(name, around), type: isIPv4(text) ? 'A' : 'AAAA', data: text })
}

/** A zone inside another one is delegated there, to the same servers; those of them which are inside it need their addresses. */
const addDelegations = (zones: Zones, { hosts }: SiteView, nameservers: readonly string[]): void => {
  for (const name of zones.keys()) {
    const above = zoneAround(zones, name.slice(name.indexOf('.') + 1))
    if (above === undefined || !name.includes('.')) continue
    const records = zones.get(above)
    for (const server of nameservers) {
      records?.push({ owner: relative(name, above), type: 'NS', data: `${server}.` })
      if (!server.endsWith(`.${name}`)) continue
      for (const { text, family } of hosts.find(({ fqdn }) => fqdn === server)?.addresses ?? [])
        records?.push({ owner: relative(server, above), type: family === 4 ? 'A' : 'AAAA', data: text })
    }
  }
}
