/** Which entries and attributes of a directory say what, in the schemas which people use. */
import { bootFileIn, nextServerIn, rootPathIn } from './boot-parameter.ts'
import { either, type Filter, parseFilter } from './filter.ts'
import { fixedAddresses } from './statements.ts'

/** An attribute which says something. */
export interface Reader {
  readonly attribute: string
  /** What is in one of its values; absent: the value is it. */
  readonly read?: (value: string) => readonly string[]
}

/** Which attributes say what. */
export interface Mapping {
  readonly name: string | undefined
  /** An entry which has one by the first of these is a host; others of its name are parts of it. */
  readonly addresses: readonly Reader[]
  readonly macs: readonly Reader[]
  readonly duids: readonly Reader[]
  readonly bootFiles: readonly Reader[]
  readonly nextServers: readonly Reader[]
  readonly hostKeys: readonly Reader[]
  /** DHCP options. */
  readonly options: readonly Reader[]
  /** Attributes with statements of dhcpd's; those of entries around count as well. */
  readonly statements: readonly string[]
  readonly port: string | undefined
  readonly user: string | undefined
  /** `undefined`: the DN. */
  readonly id: string | undefined
  /** Attributes with the DNs of a group's members. */
  readonly members: readonly string[]
  /** Names of further facts with their attributes. */
  readonly vars: readonly (readonly [string, string])[]
}

export interface Preset {
  readonly nodes: Filter | undefined
  readonly groups: Filter | undefined
  readonly networks: Filter | undefined
  /** Entries whose statements are those of the nodes below them. */
  readonly scopes: Filter | undefined
  readonly mapping: Mapping
}

export type PresetName = 'rfc2307' | 'dhcp' | 'none'

const PLAIN: Mapping = {
  ...{ name: undefined, addresses: [], macs: [], duids: [], bootFiles: [], nextServers: [], hostKeys: [] },
  ...{ options: [], statements: [], port: undefined, user: undefined, id: undefined },
  ...{ members: ['member', 'uniqueMember'], vars: [] },
}

// RFC 4519 sections 3.5 and 3.6, RFC 2307 section 4
const GROUPS = parseFilter('(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=nisNetgroup))')

/** `10.1.2.3`, of `ethernet 52:54:00:12:34:56` what stands behind the kind of hardware. */
const hardwareAddress = (hardware: string): readonly string[] => [hardware.trim().replace(/^\S+\s+/, '')]

const PRESETS: Readonly<Record<PresetName, Preset>> = {
  /** RFC 2307: hosts and Ethernet devices, in one entry or in two, what they boot from, and networks. */
  rfc2307: {
    nodes: parseFilter('(|(objectClass=ipHost)(objectClass=ieee802Device))'),
    groups: GROUPS,
    networks: parseFilter('(objectClass=ipNetwork)'),
    scopes: undefined,
    mapping: {
      ...PLAIN,
      name: 'cn',
      addresses: [{ attribute: 'ipHostNumber' }],
      macs: [{ attribute: 'macAddress' }],
      bootFiles: [{ attribute: 'bootFile' }, { attribute: 'bootParameter', read: bootFileIn }],
      nextServers: [{ attribute: 'bootParameter', read: nextServerIn }],
      options: [{ attribute: 'bootParameter', read: rootPathIn }],
    },
  },
  /** The schema of the DHCP server's LDAP patch (draft-ietf-dhc-ldap-schema). */
  dhcp: {
    nodes: parseFilter('(objectClass=dhcpHost)'),
    groups: GROUPS,
    networks: parseFilter(
      '(|(objectClass=dhcpService)(objectClass=dhcpSharedNetwork)(objectClass=dhcpSubnet)(objectClass=dhcpSubnet6)(objectClass=dhcpPool)(objectClass=dhcpPool6))',
    ),
    scopes: parseFilter('(objectClass=dhcpGroup)'),
    mapping: {
      ...PLAIN,
      name: 'cn',
      addresses: [{ attribute: 'dhcpStatements', read: fixedAddresses }],
      macs: [{ attribute: 'dhcpHWAddress', read: hardwareAddress }],
      duids: [{ attribute: 'dhcpClientId' }],
      statements: ['dhcpOption', 'dhcpStatements'],
    },
  },
  none: { nodes: undefined, groups: undefined, networks: undefined, scopes: undefined, mapping: PLAIN },
}

/** Several presets as one: what the first one says of a host counts, and the others add to it. */
export const presetOf = (names: readonly PresetName[]): Preset => {
  const presets = names.map(name => PRESETS[name])
  const mappings = presets.map(({ mapping }) => mapping)
  const readers = (key: 'addresses' | 'macs' | 'duids' | 'bootFiles' | 'nextServers' | 'options') =>
    mappings.flatMap(mapping => mapping[key])
  const any = (key: 'nodes' | 'groups' | 'networks' | 'scopes') =>
    either(new Set(presets.flatMap(one => one[key] ?? [])))
  return {
    ...{ nodes: any('nodes'), groups: any('groups'), networks: any('networks'), scopes: any('scopes') },
    mapping: {
      ...PLAIN,
      name: mappings.find(({ name }) => name !== undefined)?.name,
      ...{ addresses: readers('addresses'), macs: readers('macs'), duids: readers('duids') },
      ...{ bootFiles: readers('bootFiles'), nextServers: readers('nextServers'), options: readers('options') },
      statements: mappings.flatMap(({ statements }) => statements),
    },
  }
}
