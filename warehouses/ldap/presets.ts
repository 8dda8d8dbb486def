/** Which entries and attributes of a directory say what, in the schemas which people use. */
import { type Filter, parseFilter } from './filter.ts'

/** Which attribute says what. */
export interface Mapping {
  readonly name: string
  readonly address: string | undefined
  /** The addresses in one value; `undefined`: the value is one. */
  readonly readAddress: ((value: string) => readonly string[]) | undefined
  readonly mac: string | undefined
  /** The MAC in a value; `undefined`: the value is one. */
  readonly readMac: ((value: string) => string) | undefined
  readonly port: string | undefined
  readonly user: string | undefined
  /** `undefined`: the DN. */
  readonly id: string | undefined
  /** Attributes with the DNs of a group's members. */
  readonly members: readonly string[]
  /** Names of further facts with their attributes. */
  readonly vars: readonly (readonly [string, string])[]
}

interface Preset {
  readonly nodes: Filter | undefined
  readonly groups: Filter | undefined
  readonly mapping: Omit<Mapping, 'name'> & { readonly name: string | undefined }
}

const PLAIN = {
  ...{ name: undefined, address: undefined, readAddress: undefined, mac: undefined, readMac: undefined },
  ...{ port: undefined, user: undefined, id: undefined, members: ['member', 'uniqueMember'], vars: [] },
}

// RFC 4519 sections 3.5 and 3.6, RFC 2307 section 4
const GROUPS = parseFilter('(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=nisNetgroup))')

export const PRESETS: Readonly<Record<'rfc2307' | 'dhcp' | 'none', Preset>> = {
  /** RFC 2307: hosts and Ethernet devices, in one entry or in two. */
  rfc2307: {
    nodes: parseFilter('(|(objectClass=ipHost)(objectClass=ieee802Device))'),
    groups: GROUPS,
    mapping: { ...PLAIN, name: 'cn', address: 'ipHostNumber', mac: 'macAddress' },
  },
  /** The schema of the DHCP server's LDAP patch (draft-ietf-dhc-ldap-schema). */
  dhcp: {
    nodes: parseFilter('(objectClass=dhcpHost)'),
    groups: GROUPS,
    mapping: {
      ...PLAIN,
      ...{ name: 'cn', address: 'dhcpStatements', mac: 'dhcpHWAddress' },
      readAddress: statement => /^\s*fixed-address6?\s+([^;]*)/i.exec(statement)?.[1]?.split(',') ?? [],
      readMac: hardware => hardware.trim().replace(/^\S+\s+/, ''),
    },
  },
  none: { nodes: undefined, groups: undefined, mapping: PLAIN },
}
