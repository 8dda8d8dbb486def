/**
 * What a template gets of a site: the model, with what every template would have to work out for itself. Plain data, in
 * the site's order. Pure.
 */
import { isIP } from 'node:net'
import { type AddressNumber, addressText, parseAddress } from '../data/address.ts'
import type { Address, Boot, Host, Network, Site } from '../data/model.ts'

export interface SiteView {
  readonly networks: readonly NetworkView[]
  readonly hosts: readonly HostView[]
  readonly groups: readonly GroupView[]
}

export interface GroupView {
  readonly name: string
  readonly hosts: readonly HostView[]
}

export interface NetworkView extends Network {
  /** `10.1.0.0/16` */
  readonly cidr: string
  /** `255.255.0.0`; `undefined` for IPv6. */
  readonly mask: string | undefined
  /** The last address. */
  readonly last: string
  readonly boot: BootView
  /** The hosts with an address in it, in the order of these addresses; the smallest network around an address has it. */
  readonly members: readonly Member[]
}

export interface Member {
  readonly host: HostView
  readonly address: string
}

export interface BootView extends Boot {
  /** The next server's address: itself, or that of the site's host of this name. */
  readonly nextAddress: string | undefined
}

export interface HostView extends Omit<Host, 'addresses'> {
  /** With its domain: the name's own, else the one of the network of its first address, else the render's. */
  readonly fqdn: string
  readonly domain: string | undefined
  /** The name's first part. */
  readonly short: string
  /** What it is called, the full name first; short names only where no other host has the same. Each once. */
  readonly names: readonly string[]
  /** The aliases with a domain. */
  readonly aliases: readonly string[]
  readonly addresses: readonly AddressView[]
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
  readonly boot: BootView
}

export interface AddressView extends Address {
  /** The name of the network which it is in. */
  readonly network: string | undefined
}

/** The view of a site; `domain` is that of names which have none and are in no network which has one. */
export const viewOf = (site: Site, { domain }: { readonly domain?: string | undefined } = {}): SiteView => {
  const around = networksAround(site.networks)
  const named = site.hosts.map(host => nameHost(host, around, domain))
  const shortNames = new Map<string, number>()
  for (const { short, aliases } of named)
    for (const word of new Set([short, ...aliases.map(firstLabel)]))
      shortNames.set(word, (shortNames.get(word) ?? 0) + 1)
  const isOnly = (word: string) => shortNames.get(word) === 1
  const byName = addressesOf(nextServers(site), named)
  const bootOf = ({ file, nextServer }: Boot): BootView => ({
    file,
    nextServer,
    nextAddress: nextServer === undefined || isIP(nextServer) !== 0 ? nextServer : byName.get(nextServer),
  })
  const members = new Map<
    Network,
    { readonly host: HostView; readonly address: string; readonly number: AddressNumber }[]
  >()
  const hosts = named.map((one): HostView => {
    const { host, located, fqdn, short, aliases } = one
    const view: HostView = {
      ...host,
      fqdn,
      domain: domainOf(fqdn),
      short,
      aliases,
      names: [
        ...new Set([
          fqdn,
          ...(isOnly(short) ? [short] : []),
          ...aliases.flatMap(alias => [alias, ...[firstLabel(alias)].filter(isOnly)]),
        ]),
      ],
      addresses: located.map(({ text, family, network }) => ({ text, family, network: network?.name })),
      ipv4: located.filter(({ family }) => family === 4).map(({ text }) => text),
      ipv6: located.filter(({ family }) => family === 6).map(({ text }) => text),
      boot: bootOf(host.boot),
    }
    for (const { text, number, network } of located)
      if (network) {
        const list = members.get(network)
        if (list) list.push({ host: view, address: text, number })
        else members.set(network, [{ host: view, address: text, number }])
      }
    return view
  })
  const networks = site.networks.map((network): NetworkView => {
    const { address, prefix, family } = network
    const first = numberOf(address, family)
    const size = sizeOf(family, prefix)
    return {
      ...network,
      cidr: `${address}/${prefix}`,
      mask: family === 4 ? addressText(2 ** 32 - 2 ** (32 - prefix), 4) : undefined,
      last: addressText(typeof first === 'number' ? first + Number(size) - 1 : first + BigInt(size) - 1n, family),
      boot: bootOf(network.boot),
      members: (members.get(network) ?? []).sort((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : 0)),
    }
  })
  return { networks, hosts, groups: groupsOf(site, hosts) }
}

const groupsOf = ({ groups }: Site, hosts: readonly HostView[]): readonly GroupView[] => {
  if (groups.size === 0) return []
  const byName = new Map(hosts.map(host => [host.name, host]))
  return [...groups].map(([name, names]) => ({ name, hosts: names.flatMap(one => byName.get(one) ?? []) }))
}

interface Named {
  readonly host: Host
  readonly located: readonly Located[]
  readonly fqdn: string
  readonly short: string
  readonly aliases: readonly string[]
}

interface Located extends Address {
  readonly number: AddressNumber
  readonly network: Network | undefined
}

const nameHost = (host: Host, around: Around, otherwise: string | undefined): Named => {
  const located = host.addresses.map(({ text, family }): Located => {
    const number = numberOf(text, family)
    return { text, family, number, network: around(number, family) }
  })
  const domain = located.find(({ network }) => network?.domain !== undefined)?.network?.domain ?? otherwise
  const full = (name: string) => (name.includes('.') || domain === undefined ? name : `${name}.${domain}`)
  return {
    host,
    located,
    fqdn: full(host.name),
    short: firstLabel(host.name),
    aliases: [...new Set(host.aliases.map(full))],
  }
}

const firstLabel = (name: string): string => name.split('.', 1)[0] ?? name

const domainOf = (fqdn: string): string | undefined => {
  const dot = fqdn.indexOf('.')
  return dot < 0 ? undefined : fqdn.slice(dot + 1)
}

const nextServers = ({ networks, hosts }: Site): ReadonlySet<string> => {
  const names = [...networks, ...hosts].flatMap(({ boot }) => boot.nextServer ?? [])
  return new Set(names.filter(name => isIP(name) === 0))
}

/** The addresses of the hosts with these names, short names too; IPv4 if there is one, for a machine which boots. */
const addressesOf = (names: ReadonlySet<string>, named: readonly Named[]): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  if (names.size === 0) return found
  for (const { host, located, fqdn, short, aliases } of named) {
    const address = (located.find(({ family }) => family === 4) ?? located[0])?.text
    if (address === undefined) continue
    for (const name of [host.name, fqdn, short, ...aliases, ...host.aliases])
      if (names.has(name) && !found.has(name)) found.set(name, address)
  }
  return found
}

type Around = (number: AddressNumber, family: 4 | 6) => Network | undefined

/** Finds the smallest network around an address, without going through all of them. */
const networksAround = (networks: readonly Network[]): Around => {
  const sizes: { readonly [family in 4 | 6]: SameSize[] } = { 4: [], 6: [] }
  for (const network of networks.toSorted((a, b) => b.prefix - a.prefix)) {
    const { family, prefix, address } = network
    const known = sizes[family].find(one => one.prefix === prefix)
    const same = known ?? { prefix, size: sizeOf(family, prefix), byFirst: new Map() }
    if (!known) sizes[family].push(same)
    const first = numberOf(address, family)
    if (!same.byFirst.has(first)) same.byFirst.set(first, network)
  }
  return (number, family) => {
    for (const { size, byFirst } of sizes[family]) {
      const first = typeof number === 'number' ? number - (number % Number(size)) : number - (number % (size as bigint))
      const network = byFirst.get(first)
      if (network) return network
    }
    return undefined
  }
}

interface SameSize {
  readonly prefix: number
  readonly size: AddressNumber
  readonly byFirst: Map<AddressNumber, Network>
}

/** How many addresses there are. */
const sizeOf = (family: 4 | 6, prefix: number): AddressNumber =>
  family === 4 ? 2 ** (32 - prefix) : 1n << BigInt(128 - prefix)

/** The number of an address which is known to be one; `parseAddress` takes its time for finding that out. */
const numberOf = (text: string, family: 4 | 6): AddressNumber => {
  if (family === 4 || text.includes('.')) return parseAddress(text).number
  const [front = '', back] = text.split('::')
  const groups = front === '' ? [] : front.split(':')
  const last = back === undefined || back === '' ? [] : back.split(':')
  const zeros = Array.from({ length: 8 - groups.length - last.length }, () => '0')
  const digits = [...groups, ...(back === undefined ? [] : zeros), ...last].map(group => group.padStart(4, '0'))
  return BigInt(`0x${digits.join('')}`)
}
