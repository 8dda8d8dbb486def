/**
 * DHCP options as people write them for dhcpd (`ntp-servers 10.1.0.1, 10.1.0.2`), read against a list of known ones. What is
 * not on the list, or is not what the list says, gets nowhere: no text of a directory ends in a daemon's configuration as it is.
 * Pure.
 */
import { shown } from '../../base/names.ts'
import type { DhcpStatement } from '../../inventory/warehouse.ts'
import { parseAddress } from './address.ts'
import { parseHostName } from './host-name.ts'
import type { DhcpOption } from './model.ts'
import type { Subject } from './problem.ts'

export interface KnownOption {
  readonly family: 4 | 6
  readonly option: DhcpOption
}

type Value = DhcpOption['value']
type Parse = (text: string) => Value

/**
 * The option in a statement, with or without `option` in front and `;` behind. Throws a `TypeError` which shows the statement and
 * says what is wrong with it.
 */
export const parseDhcpOption = (statement: string): KnownOption => {
  const [, name = '', value = ''] = /^\s*(?:option\s+)?([\w.-]+)\s*(.*?)\s*;?\s*$/is.exec(statement) ?? []
  const known = name.toLowerCase()
  const parse = V4.get(known) ?? V6.get(known)
  if (!parse) throw new TypeError(`${shown(statement)} is no DHCP option which is known here`)
  try {
    return { family: V4.has(known) ? 4 : 6, option: { name: known, value: parse(value) } }
  } catch (cause) {
    throw new TypeError(`${shown(statement)}: ${(cause as Error).message}`, { cause })
  }
}

/**
 * The options in statements, by name; of several with one name the first one counts. What is no option, or one of the other
 * family of addresses, is reported with the entry which has it.
 */
export const readOptions = (
  statements: readonly DhcpStatement[] | undefined,
  family: 4 | 6 | undefined,
  about: Subject,
): Map<string, DhcpOption> => {
  const options = new Map<string, DhcpOption>()
  for (const statement of statements ?? []) {
    const [text, subject] =
      typeof statement === 'string' ? [statement, about] : [statement.text, about.at(statement.id)]
    const option = subject.one('bad-option', 'this statement', text, one => {
      if (typeof statement !== 'string' && statement.problem !== undefined)
        throw new TypeError(`${shown(one)}: ${statement.problem}`)
      const known = parseDhcpOption(one)
      if (family === undefined || known.family === family) return known.option
      throw new TypeError(`${shown(one)} is an option for IPv${known.family}, and this is IPv${family}`)
    })
    if (option && !options.has(option.name)) options.set(option.name, option)
  }
  return options
}

/**
 * The text of a value of dhcpd's: in quotes, with `\"` and `\\` for those characters, or a bare word. Throws a `TypeError` for
 * anything behind it, and for what is not printable ASCII.
 */
export const parseText = (value: string): string => {
  const text = unquoted(value)
  if (text === undefined && !/^[\w./:@%+=~?&#-]+$/.test(value))
    throw new TypeError(`${shown(value)} is no text: it goes in double quotes`)
  if (/^[\x20-\x7e]{1,255}$/.test(text ?? value)) return text ?? value
  throw new TypeError(`expected 1 to 255 printable characters of ASCII, not ${shown(text ?? value)}`)
}

const unquoted = (value: string): string | undefined =>
  /^"((?:[^"\\]|\\["\\])*)"$/s.exec(value)?.[1]?.replaceAll(/\\(.)/gs, '$1')

const text: Parse = value => ({ kind: 'text', text: parseText(value) })

const hostName: Parse = value => ({ kind: 'text', text: parseHostName(unquoted(value) ?? value) })

const names: Parse = value => ({
  kind: 'names',
  names: value.split(/\s*,\s*/).map(name => parseHostName(unquoted(name) ?? name)),
})

const addresses =
  (family: 4 | 6, max = family === 4 ? 63 : 15): Parse =>
  value => {
    const found = value.split(/\s*,\s*/).map(parseAddress)
    const other = found.find(one => one.family !== family)
    if (other) throw new TypeError(`${other.text} is no IPv${family} address`)
    if (found.length > max) throw new TypeError(max === 1 ? 'expected one address' : `more than ${max} addresses`)
    return { kind: 'addresses', addresses: found.map(one => one.text) }
  }

const number =
  (min: number, max: number): Parse =>
  value => {
    const number = /^-?\d{1,10}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return { kind: 'number', number }
    throw new TypeError(`expected a whole number from ${min} to ${max}`)
  }

const flag: Parse = value => {
  const word = value.toLowerCase()
  if (['true', 'on', 'false', 'off'].includes(word)) return { kind: 'flag', flag: word === 'true' || word === 'on' }
  throw new TypeError('expected true or false')
}

const OCTET = number(0, 2 ** 8 - 1)
const SHORT = number(0, 2 ** 16 - 1)
const LONG = number(0, 2 ** 32 - 1)
const ONE = addresses(4, 1)
const MANY = addresses(4)

const all = (parse: Parse, list: string): readonly (readonly [string, Parse])[] =>
  list
    .trim()
    .split(/\s+/)
    .map(name => [name, parse] as const)

/** RFC 2132, RFC 3397 and others, by the names of dhcp-options(5). Those which the server itself decides about are not here. */
const V4: ReadonlyMap<string, Parse> = new Map([
  ...all(
    MANY,
    `routers domain-name-servers ntp-servers time-servers log-servers lpr-servers cookie-servers impress-servers
     resource-location-servers ien116-name-servers nis-servers nisplus-servers netbios-name-servers netbios-dd-server
     font-servers x-display-manager smtp-server pop-server nntp-server www-server finger-server irc-server
     streettalk-server streettalk-directory-assistance-server mobile-ip-home-agent`,
  ),
  ...all(ONE, 'subnet-mask broadcast-address swap-server router-solicitation-address'),
  ...all(text, 'root-path extensions-path merit-dump bootfile-name tftp-server-name nis-domain nisplus-domain'),
  ...all(text, 'vendor-class-identifier pcode tcode'),
  ...all(hostName, 'domain-name host-name'),
  ...all(names, 'domain-search'),
  ...all(number(68, 2 ** 16 - 1), 'interface-mtu'),
  ...all(number(-(2 ** 31), 2 ** 31 - 1), 'time-offset'),
  ...all(number(1, 255), 'default-ip-ttl default-tcp-ttl'),
  ...all(OCTET, 'netbios-node-type'),
  ...all(SHORT, 'boot-size max-dgram-reassembly'),
  ...all(LONG, 'arp-cache-timeout tcp-keepalive-interval path-mtu-aging-timeout'),
  ...all(
    flag,
    `ip-forwarding non-local-source-routing all-subnets-local perform-mask-discovery mask-supplier router-discovery
     trailer-encapsulation ieee802-3-encapsulation tcp-keepalive-garbage`,
  ),
])

/** RFC 8415 section 21, RFC 3646, RFC 3898, RFC 4075, RFC 4242 and RFC 5970. */
const V6: ReadonlyMap<string, Parse> = new Map([
  ...all(
    addresses(6),
    'dhcp6.name-servers dhcp6.sntp-servers dhcp6.nis-servers dhcp6.nisp-servers dhcp6.sip-servers-addresses',
  ),
  ...all(names, 'dhcp6.domain-search dhcp6.nis-domain-name dhcp6.nisp-domain-name dhcp6.sip-servers-names'),
  ...all(text, 'dhcp6.bootfile-url'),
  ...all(OCTET, 'dhcp6.preference'),
  ...all(number(600, 2 ** 32 - 1), 'dhcp6.info-refresh-time'),
])
