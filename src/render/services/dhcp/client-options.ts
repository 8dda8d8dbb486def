/** The DHCP options which clients get: those which follow from a network and a host, and those which the site states. Pure. */
import { isIPv4, isIPv6 } from 'node:net'
import { StokerError } from '../../../base/errors.ts'
import { shown } from '../../../base/names.ts'
import type { DhcpOption, Origin } from '../../data/model.ts'
import type { HostView, NetworkView } from '../view.ts'

/** Routers, name servers and domain of a network, and its own options; `otherDns` are the servers of one which names none. */
export const networkOptions = (network: NetworkView, otherDns: readonly string[]): readonly DhcpOption[] => {
  const { family, routers, dns, domain, boot } = network
  const servers = (dns.length > 0 ? dns : otherDns).filter(family === 4 ? isIPv4 : isIPv6)
  const found: readonly (DhcpOption | undefined)[] =
    family === 4
      ? [
          listed('routers', routers),
          listed('domain-name-servers', servers),
          domain === undefined ? undefined : { name: 'domain-name', value: { kind: 'text', text: domain } },
        ]
      : [
          listed('dhcp6.name-servers', servers),
          domain === undefined ? undefined : { name: 'dhcp6.domain-search', value: { kind: 'names', names: [domain] } },
          bootUrl(boot.file),
        ]
  return overriding(found, network, family)
}

/** Name and domain of a host, where the latter is not that of one of the networks it is in, and its own options. */
export const hostOptions = (host: HostView, networks: readonly NetworkView[], family: 4 | 6): readonly DhcpOption[] => {
  const { short, domain, boot } = host
  if (family === 6) return overriding([bootUrl(boot.file)], host, 6)
  const differs = domain !== undefined && networks.every(network => network.domain !== domain)
  return overriding(
    [
      { name: 'host-name', value: { kind: 'text', text: short } },
      differs ? { name: 'domain-name', value: { kind: 'text', text: domain } } : undefined,
    ],
    host,
    4,
  )
}

const listed = (name: string, addresses: readonly string[]): DhcpOption | undefined =>
  addresses.length === 0 ? undefined : { name, value: { kind: 'addresses', addresses } }

/** RFC 5970: with IPv6 a machine boots from a URL. */
const bootUrl = (file: string | undefined): DhcpOption | undefined =>
  file?.includes('://') ? { name: 'dhcp6.bootfile-url', value: { kind: 'text', text: file } } : undefined

type OptionSource = Pick<NetworkView, 'name' | 'origin' | 'options' | 'boot'>

/** The options of the family, those which the site states in place of those which follow from the rest. */
const overriding = (
  found: readonly (DhcpOption | undefined)[],
  source: OptionSource,
  family: 4 | 6,
): readonly DhcpOption[] => {
  const known = found.filter(one => one !== undefined)
  refuseLong(source.boot.file, MAX_FILE, 'boot file', source)
  if (source.options.length === 0) return known
  const own = source.options.filter(({ name }) => name.startsWith('dhcp6.') === (family === 6))
  for (const { name, value } of own)
    if (value.kind === 'text') refuseLong(value.text, MAX_OPTION, `option ${name}`, source)
  return [...new Map([...known, ...own].map(option => [option.name, option])).values()]
}

/** RFC 2131 section 2: 128 octets, the last one zero; RFC 2132 section 2: one octet holds an option's length. */
const MAX_FILE = 127
const MAX_OPTION = 255

/** The servers would cut it, each in its own way. */
const refuseLong = (
  text: string | undefined,
  limit: number,
  what: string,
  { name, origin }: { readonly name: string; readonly origin: Origin },
) => {
  if (text === undefined || Buffer.byteLength(text) <= limit) return
  const message = `${shown(name)} (from ${shown(origin.id)}): its ${what} ${shown(text)} has ${Buffer.byteLength(text)} bytes, ${limit} are allowed`
  throw new StokerError('CONFIG', name, message)
}
