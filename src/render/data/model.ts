/** What a site's services get: its networks and hosts, in one shape whatever warehouse they come from. */

/** Where something was said, for messages: a DN, a row, a file with its line. */
export interface Origin {
  readonly warehouse: string
  /** The warehouse's own identity of it: a DN, `hosts#17`, a name. */
  readonly id: string
}

export interface Address {
  /** Canonical: no leading zeros, IPv6 as in RFC 5952. */
  readonly text: string
  readonly family: 4 | 6
}

export interface Network {
  readonly name: string
  readonly family: 4 | 6
  /** The first address, and the bits of its mask: `10.1.0.0`, 16. */
  readonly address: string
  readonly prefix: number
  readonly routers: readonly string[]
  readonly dns: readonly string[]
  /** The domain of its hosts; a canonical DNS name without a dot at its end. */
  readonly domain: string | undefined
  /** Addresses which are given to whoever asks, both ends included. */
  readonly ranges: readonly { readonly from: string; readonly to: string }[]
  /** Seconds. */
  readonly leaseTime: number | undefined
  readonly boot: Boot
  /** Networks with one name here are on one wire: dhcpd's shared-network. */
  readonly shared: string | undefined
  /** Further DHCP options by their dhcpd names, from a list of known ones, parsed. */
  readonly options: readonly DhcpOption[]
  readonly origin: Origin
  /** Who says a part of it as well, in the warehouses' order. */
  readonly furtherOrigins: readonly Origin[]
}

/** What a machine boots from. */
export interface Boot {
  readonly file: string | undefined
  /** A host name or an address. */
  readonly nextServer: string | undefined
}

/** One option of a known name: `domain-search`, `ntp-servers`, `mtu`. */
export interface DhcpOption {
  readonly name: string
  readonly value:
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'number'; readonly number: number }
    | { readonly kind: 'flag'; readonly flag: boolean }
    | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
    | { readonly kind: 'names'; readonly names: readonly string[] }
}

export interface Host {
  /** A canonical DNS name (RFC 1123; IDN as its A-label), qualified or not, lower case. */
  readonly name: string
  readonly aliases: readonly string[]
  /** In the warehouse's order. */
  readonly addresses: readonly Address[]
  /** Lower case, colon-separated. */
  readonly macs: readonly string[]
  /** DHCP unique identifiers (RFC 8415): lower case, colon-separated. */
  readonly duids: readonly string[]
  readonly boot: Boot
  /** DHCP options of this host alone, by their dhcpd names, parsed. */
  readonly options: readonly DhcpOption[]
  /** Public keys as in authorized_keys, without comment: `ssh-ed25519 AAAA...`. */
  readonly sshHostKeys: readonly string[]
  readonly sshPort: number | undefined
  readonly user: string | undefined
  /** Everything else the warehouse says. */
  readonly vars: Readonly<Record<string, unknown>>
  readonly origin: Origin
  /** Who says a part of it as well, in the warehouses' order. */
  readonly furtherOrigins: readonly Origin[]
}

export interface Site {
  /** In the order of their addresses. */
  readonly networks: readonly Network[]
  /** In the order of their names. */
  readonly hosts: readonly Host[]
  /** Group names with the names of their hosts, both in order; empty unless groups were asked for. */
  readonly groups: ReadonlyMap<string, readonly string[]>
}
