/** The seam "who": a warehouse answers names. A third party's warehouse is one file which exports a `WarehouseFactory`. */
import type { Abortable } from '../base/abortable.ts'
import type { GroupName, NodeName } from '../base/names.ts'
import type { Expression } from '../nodeset/syntax/expression.ts'

/** What a warehouse knows about one node. Only `name` is sure to be there. */
export interface NodeFacts {
  readonly name: NodeName
  /** The warehouse's own lasting identity of the machine: a DN, a row id, an asset tag. */
  readonly id?: string
  /** Other names of the same machine. */
  readonly aliases?: readonly string[]
  /** Host names or IP addresses to connect to, the preferred one first. */
  readonly addresses?: readonly string[]
  /** The SSH port, where it is not 22. */
  readonly port?: number
  /** The user to log in as. */
  readonly user?: string
  /** Ethernet addresses in any common spelling. */
  readonly macs?: readonly string[]
  /** DHCP unique identifiers (RFC 8415): hexadecimal, with colons or without. */
  readonly duids?: readonly string[]
  /** What the machine boots from: a file's name, and the host name or address of the server which has it. */
  readonly boot?: { readonly file?: string; readonly nextServer?: string }
  /** The machine's SSH host keys: `ssh-ed25519 AAAA...`. */
  readonly hostKeys?: readonly string[]
  /** Further DHCP options of this machine alone. Parsed against a list before use. */
  readonly dhcpOptions?: readonly DhcpStatement[]
  /** Everything else the warehouse says; passed to actors unchanged. */
  readonly vars?: Readonly<Record<string, unknown>>
}

/** What a source says of one node, not checked yet: any text may be anywhere in it. */
export interface NodeRecord extends Omit<NodeFacts, 'name'> {
  readonly name: string
  /** Further entries of the warehouse which say a part of it. */
  readonly furtherIds?: readonly string[]
  /** What the warehouse itself finds wrong with it; reported to whoever asks for this node. */
  readonly problem?: string
}

/**
 * `ntp-servers 10.1.0.1`, as dhcpd's configuration has it; `id` is the entry which says it, where it is another one, and
 * `problem` what the warehouse finds wrong with it.
 */
export type DhcpStatement = string | { readonly text: string; readonly id: string; readonly problem?: string }

/** What a warehouse knows about one network, as it says it: nothing here is checked yet. */
export interface NetworkFacts {
  readonly name: string
  /** `10.1.0.0/16`, `10.1.0.0/255.255.0.0`, `2001:db8::/64`. */
  readonly address: string
  /** The warehouse's own lasting identity of the network: a DN, a row id. */
  readonly id?: string
  /** Further entries of the warehouse which say a part of it. */
  readonly furtherIds?: readonly string[]
  readonly routers?: readonly string[]
  readonly dns?: readonly string[]
  readonly domain?: string
  /** `10.1.2.10 10.1.2.99`, or with a dash between. */
  readonly ranges?: readonly string[]
  /** Seconds. */
  readonly leaseTime?: number
  readonly boot?: { readonly file?: string; readonly nextServer?: string }
  /** Networks with one name here are on one wire (a shared network). */
  readonly shared?: string
  /** Further DHCP options. Parsed against a list before use. */
  readonly options?: readonly DhcpStatement[]
}

/** A direct member of a group. An `expression` is evaluated by the core, its names looked up here first. */
export type Member =
  | { readonly kind: 'node'; readonly name: NodeName }
  | { readonly kind: 'group'; readonly name: GroupName }
  | { readonly kind: 'expression'; readonly expression: Expression }

/** A source of node and group data. A throw from any method means: this warehouse is broken. */
export interface Warehouse extends AsyncDisposable {
  readonly name: string
  /** Direct members. `undefined`: never heard of that group. `[]`: known, and empty. */
  members(group: GroupName, io: Abortable): Promise<readonly Member[] | undefined>
  /** Facts of many names (or aliases) in one round trip, keyed by the name asked for; unknown names are absent. */
  nodes(names: readonly NodeName[], io: Abortable): Promise<ReadonlyMap<NodeName, NodeFacts>>
  /** The names of all groups, where the source can list them. */
  groups?(io: Abortable): AsyncIterable<GroupName>
  /** All nodes, where the source can list them. */
  all?(io: Abortable): AsyncIterable<NodeFacts>
  /** All nodes as the source has them, for whoever reports what is wrong with each; `all` throws for the first that is not fit. */
  records?(io: Abortable): AsyncIterable<NodeRecord>
  /** All networks, where the source can list them. */
  networks?(io: Abortable): AsyncIterable<NetworkFacts>
  /** What matches a query in the source's own words, such as an LDAP filter. A query which makes no sense: `EXPRESSION`. */
  query?(query: string, io: Abortable): Promise<readonly Member[]>
  /**
   * Yields once when it listens, and whenever an answer may have changed since; each time in a few words how it knows. Ends
   * when the source does not report changes. A throw means that it cannot listen, or not any more: whoever wants to hear more calls again.
   */
  changes?(io: Abortable): AsyncIterable<string>
  /** Asked only for names which no other warehouse knows. */
  readonly lastResort?: boolean
}

/** Where a warehouse's options come from: the place for relative paths and for error messages. */
export interface WarehouseContext {
  /** The name given in the configuration, else the kind. */
  readonly name: string
  /** The folder of the configuration file; relative paths start here. */
  readonly folder: string
}

/** Makes a warehouse from its options. Parses them, throws `CONFIG` naming a bad one, and does no I/O before the first question. */
export type WarehouseFactory = (options: Readonly<Record<string, unknown>>, context: WarehouseContext) => Warehouse
