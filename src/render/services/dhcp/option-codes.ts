/** The numbers of DHCP options, by the names which dhcp-options(5) has for them. Pure. */
import { StokerError } from '../../../base/errors.ts'
import { shown } from '../../../base/names.ts'

/** The option's number; throws `CONFIG` for a name which has none here. */
export const optionCode = (name: string): number => {
  const code = CODES.get(name)
  if (code !== undefined) return code
  throw new StokerError(
    'CONFIG',
    name,
    `the DHCP option ${shown(name)} has no number here; leave it out for this server`,
  )
}

const numbered = (first: number, names: string): readonly (readonly [string, number])[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name, i) => [name, first + i] as const)

/** IANA, "BOOTP Vendor Extensions and DHCP Options" and "DHCPv6 Option Codes". */
const CODES: ReadonlyMap<string, number> = new Map([
  ...numbered(
    1,
    `subnet-mask time-offset routers time-servers ien116-name-servers domain-name-servers log-servers cookie-servers
     lpr-servers impress-servers resource-location-servers host-name boot-size merit-dump domain-name swap-server root-path
     extensions-path ip-forwarding non-local-source-routing policy-filter max-dgram-reassembly default-ip-ttl
     path-mtu-aging-timeout path-mtu-plateau-table interface-mtu all-subnets-local broadcast-address perform-mask-discovery
     mask-supplier router-discovery router-solicitation-address static-routes trailer-encapsulation arp-cache-timeout
     ieee802-3-encapsulation default-tcp-ttl tcp-keepalive-interval tcp-keepalive-garbage nis-domain nis-servers ntp-servers
     vendor-encapsulated-options netbios-name-servers netbios-dd-server netbios-node-type netbios-scope font-servers
     x-display-manager`,
  ),
  ['vendor-class-identifier', 60],
  ...numbered(
    64,
    `nisplus-domain nisplus-servers tftp-server-name bootfile-name mobile-ip-home-agent smtp-server pop-server nntp-server
     www-server finger-server irc-server streettalk-server streettalk-directory-assistance-server`,
  ),
  ['pcode', 100],
  ['tcode', 101],
  ['domain-search', 119],
  ['dhcp6.preference', 7],
  ...numbered(21, 'dhcp6.sip-servers-names dhcp6.sip-servers-addresses dhcp6.name-servers dhcp6.domain-search'),
  ...numbered(
    27,
    'dhcp6.nis-servers dhcp6.nisp-servers dhcp6.nis-domain-name dhcp6.nisp-domain-name dhcp6.sntp-servers',
  ),
  ['dhcp6.info-refresh-time', 32],
  ['dhcp6.bootfile-url', 59],
])

/** How dnsmasq's syntax has the size of a number: `b` for one byte, `s` for two, `i` for four. */
export const optionSize = (name: string): 'b' | 's' | 'i' => (BYTES.has(name) ? 'b' : SHORTS.has(name) ? 's' : 'i')

const BYTES: ReadonlySet<string> = new Set([
  'default-ip-ttl',
  'default-tcp-ttl',
  'netbios-node-type',
  'dhcp6.preference',
])
const SHORTS: ReadonlySet<string> = new Set(['boot-size', 'max-dgram-reassembly', 'interface-mtu'])
