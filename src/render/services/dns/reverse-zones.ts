/** Reverse zones: which ones a network has, and where in them an address stands. Pure. */
import ipaddr from 'ipaddr.js'
import type { NetworkView } from '../view.ts'
import type { Zone, ZoneRecord } from './zone.ts'

/**
 * How networks smaller than a /24 have their reverse names (RFC 2317). `child`: a zone of their own, to which the owner of
 * the /24 delegates; `both`: also the zone of the /24, with the names which lead there; `whole`: in the zone of the /24.
 * `auto` is `child` for addresses of the Internet, whose /24 is somebody else's, and `both` for all others.
 */
export interface Classless {
  readonly style: 'auto' | 'child' | 'both' | 'whole'
  /** What stands in the name between first address and prefix: `64/26` is the RFC's, `64-26` that of many providers. */
  readonly separator: '/' | '-'
}

/** The zones of a network, and what is in them besides the hosts. */
export const reverseZones = (network: NetworkView, classless: Classless): readonly Zone[] => {
  const { family, address, prefix } = network
  if (family === 4 && prefix > 24) return classlessZones(network, classless)
  const bits = family === 4 ? 8 : 4
  const labels = labelsOf(address)
  const kept = Math.max(1, Math.ceil(prefix / bits))
  const last = parseInt(labels[kept - 1] ?? '0', family === 4 ? 10 : 16)
  // A prefix between two labels is as many zones as fit into it.
  return Array.from({ length: 2 ** (kept * bits - prefix) }, (_, i) => {
    const own = [...labels.slice(0, kept - 1), (last + i).toString(family === 4 ? 10 : 16)]
    return { name: nameOf(own, family), records: [] }
  })
}

/** Where the address of a network's host stands. */
export const reverseOwner = (
  network: NetworkView,
  address: string,
  classless: Classless,
): { readonly zone: string; readonly owner: string } => {
  const { family, prefix } = network
  const labels = labelsOf(address)
  const isChild = family === 4 && prefix > 24 && styleOf(network, classless) !== 'whole'
  if (isChild) return { zone: childName(network, classless), owner: labels[3] ?? '' }
  const kept = family === 4 && prefix > 24 ? 3 : Math.max(1, Math.ceil(prefix / (family === 4 ? 8 : 4)))
  return { zone: nameOf(labels.slice(0, kept), family), owner: labels.slice(kept).reverse().join('.') }
}

const classlessZones = (network: NetworkView, classless: Classless): readonly Zone[] => {
  const labels = labelsOf(network.address)
  const above = nameOf(labels.slice(0, 3), 4)
  const style = styleOf(network, classless)
  if (style === 'whole') return [{ name: above, records: [] }]
  const child = childName(network, classless)
  if (style === 'child') return [{ name: child, records: [] }]
  const first = Number(labels[3])
  const leading = Array.from({ length: 2 ** (32 - network.prefix) }, (_, i): ZoneRecord => {
    return { owner: String(first + i), type: 'CNAME', data: `${first + i}.${child}.` }
  })
  return [
    { name: above, records: leading },
    { name: child, records: [] },
  ]
}

const styleOf = ({ address }: NetworkView, { style }: Classless): 'child' | 'both' | 'whole' => {
  if (style !== 'auto') return style
  return ipaddr.parse(address).range() === 'unicast' ? 'child' : 'both'
}

const childName = ({ address, prefix }: NetworkView, { separator }: Classless): string => {
  const [a, b, c, d] = labelsOf(address)
  return `${d}${separator}${prefix}.${nameOf([a ?? '', b ?? '', c ?? ''], 4)}`
}

/** The address's parts in reading order: four numbers, or thirty-two hexadecimal digits. */
const labelsOf = (address: string): readonly string[] =>
  address.includes(':')
    ? ipaddr.IPv6.parse(address)
        .toByteArray()
        .flatMap(byte => [(byte >> 4).toString(16), (byte & 15).toString(16)])
    : address.split('.')

const nameOf = (labels: readonly string[], family: 4 | 6): string =>
  `${labels.toReversed().join('.')}.${family === 4 ? 'in-addr' : 'ip6'}.arpa`
