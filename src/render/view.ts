/**
 * What a template is told of a site: the model, with what every template would have to work out for itself. Plain data, in
 * the site's order. Pure.
 */
import { isIP } from 'node:net'
import { type AddressNumber, addressText, parseAddress } from './address.ts'
import type { Address, Boot, Host, Network, Site } from './model.ts'

export interface SiteView {
  readonly networks: readonly NetworkView[]
  readonly hosts: readonly HostView[]
  readonly groups: readonly { readonly name: string; readonly hosts: readonly string[] }[]
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
    const first = parseAddress(address).number
    return {
      ...network,
      cidr: `${address}/${prefix}`,
      mask: family === 4 ? addressText(2 ** 32 - 2 ** (32 - prefix), 4) : undefined,
      last: addressText(lastOf(first, prefix), family),
      boot: bootOf(network.boot),
      members: (members.get(network) ?? []).sort((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : 0)),
    }
  })
  return { networks, hosts, groups: [...site.groups].map(([name, names]) => ({ name, hosts: names })) }
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
    const { number } = parseAddress(text)
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
  const sizes = { 4: new Map<number, Map<AddressNumber, Network>>(), 6: new Map<number, Map<AddressNumber, Network>>() }
  for (const network of networks.toSorted((a, b) => b.prefix - a.prefix)) {
    const { family, prefix, address } = network
    const same = sizes[family].get(prefix) ?? new Map<AddressNumber, Network>()
    sizes[family].set(prefix, same)
    if (!same.has(parseAddress(address).number)) same.set(parseAddress(address).number, network)
  }
  return (number, family) => {
    for (const [prefix, same] of sizes[family]) {
      const network = same.get(firstOf(number, prefix))
      if (network) return network
    }
    return undefined
  }
}

const firstOf = (number: AddressNumber, prefix: number): AddressNumber =>
  typeof number === 'number' ? number - (number % 2 ** (32 - prefix)) : number - (number % (1n << BigInt(128 - prefix)))

const lastOf = (first: AddressNumber, prefix: number): AddressNumber =>
  typeof first === 'number' ? first + 2 ** (32 - prefix) - 1 : first + (1n << BigInt(128 - prefix)) - 1n
