/** Entries -> networks: those of RFC 2307 and those of the DHCP server's schema. Pure. */

import type { NetworkFacts } from '../../src/inventory/warehouse.ts'
import { parseBlock } from '../../src/render/data/address.ts'
import { type Entry, valuesOf } from './entry.ts'
import { namesOf } from './nodes.ts'
import { statementsOf } from './scopes.ts'
import { subnets } from './subnets.ts'

export const NETWORK_ATTRIBUTES = [
  ...['objectClass', 'cn', 'ipNetworkNumber', 'ipNetmaskNumber', 'dhcpNetMask', 'dhcpRange', 'dhcpRange6'],
  ...['dhcpStatements', 'dhcpOption', 'dhcpPermitList'],
]

/**
 * One for each network, with what its pools and the entries around it say. A network of both schemas is one; what its
 * `ipNetwork` says counts.
 */
export const readNetworks = (entries: readonly Entry[]): readonly NetworkFacts[] => {
  const plain = entries.filter(entry => entry.attributes.has('ipnetworknumber')).map(plainNetwork)
  const served = subnets(entries)
  const left = new Map(served.map(network => [blockOf(network), network]))
  const joined = plain.map(network => {
    const other = left.get(blockOf(network))
    left.delete(blockOf(network))
    return other
      ? {
          ...other,
          ...network,
          furtherIds: [other.id ?? other.name],
          options: [...(network.options ?? []), ...(other.options ?? [])],
        }
      : network
  })
  const taken = new Set(joined.map(blockOf))
  return [...joined, ...served.filter(network => !taken.has(blockOf(network)))]
}

/** RFC 2307 section 2.4: the number, and the mask beside it unless it is in the number. */
const plainNetwork = (entry: Entry): NetworkFacts => {
  const [number = ''] = valuesOf(entry, 'ipNetworkNumber')
  const [mask] = valuesOf(entry, 'ipNetmaskNumber')
  const options = statementsOf(entry, ['dhcpOption'])
  return {
    name: namesOf(entry, 'cn')[0] ?? number,
    address: mask === undefined || number.includes('/') ? number : `${number}/${mask}`,
    id: entry.dn,
    ...(options.length > 0 && { options }),
  }
}

/** Two spellings of one network as one text. */
const blockOf = ({ address }: NetworkFacts): string => {
  try {
    const block = parseBlock(address)
    return `${block.address}/${block.prefix}`
  } catch {
    return address // which is told by whoever looks at the networks
  }
}
