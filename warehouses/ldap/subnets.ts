/** Subnets, pools and shared networks of the DHCP server's schema -> networks. Pure. */

import type { DhcpStatement, NetworkFacts } from '../../src/inventory/warehouse.ts'
import { contains, parseBlock, parseRange } from '../../src/render/data/address.ts'
import { dnKey, parentKey } from './dn.ts'
import { type Entry, valuesOf } from './entry.ts'
import { namesOf } from './nodes.ts'
import { statementsOf } from './scopes.ts'
import { readStatements, type Said, type Statement, wordOf } from './statements.ts'

interface Subnet {
  readonly facts: NetworkFacts
  /** Whether its ranges are for whoever asks. */
  readonly isOpen: boolean
  readonly ranges: string[]
  readonly options: DhcpStatement[]
  readonly shared: Entry | undefined
}

/**
 * What each subnet says with its pools, and what the shared network and the service around it say. A range which is not for
 * whoever asks is not told: its network says that it is left out.
 */
export const subnets = (entries: readonly Entry[]): readonly NetworkFacts[] => {
  const byKey = new Map(entries.map(entry => [dnKey(entry.dn), entry]))
  const found = new Map<Entry, Subnet>()
  for (const entry of entries)
    if (isA(entry, 'dhcpSubnet') || isA(entry, 'dhcpSubnet6')) found.set(entry, subnet(entry, enclosing(entry, byKey)))
  for (const entry of entries) if (isA(entry, 'dhcpPool') || isA(entry, 'dhcpPool6')) addPool(entry, byKey, found)
  return [...found.values()].map(({ facts, ranges, options, shared }) => ({
    ...facts,
    ...(ranges.length > 0 && { ranges }),
    ...(options.length > 0 && { options }),
    ...(shared && { shared: namesOf(shared, 'cn')[0] ?? shared.dn }),
  }))
}

/** The entries around it which were found, the nearest one first. */
const enclosing = (entry: Entry, byKey: ReadonlyMap<string, Entry>): readonly Entry[] => {
  const around: Entry[] = []
  for (let key = parentKey(dnKey(entry.dn)); key !== ''; key = parentKey(key)) {
    const one = byKey.get(key)
    if (one) around.push(one)
  }
  return around
}

const subnet = (entry: Entry, around: readonly Entry[]): Subnet => {
  const isV6 = isA(entry, 'dhcpSubnet6')
  const [cn = ''] = namesOf(entry, 'cn')
  const [mask] = valuesOf(entry, 'dhcpNetMask')
  const own = readStatements(statementsOf(entry, OWN))
  const outer = readStatements(around.flatMap(one => outerStatements(one, isV6)))
  const refused = [...permits(entry), ...[...own.permits, ...outer.permits].filter(isRefusal)].map(one =>
    unlike(one, 'the ranges of this network'),
  )
  const boot = bootOf(own, outer)
  const leaseTime = own.leaseTime ?? outer.leaseTime
  return {
    facts: {
      ...{ name: cn, id: entry.dn },
      address: mask === undefined || cn.includes('/') ? cn : `${cn}/${mask}`,
      ...(leaseTime !== undefined && { leaseTime }),
      ...(boot && { boot }),
    },
    isOpen: refused.length === 0,
    ranges: refused.length === 0 ? [...rangesOf(entry), ...own.ranges] : [],
    options: [...own.options, ...outer.options, ...refused],
    shared: around.find(one => isA(one, 'dhcpSharedNetwork')),
  }
}

const OWN = ['dhcpOption', 'dhcpStatements']
const RANGES = ['dhcpRange', 'dhcpRange6']

/** What an entry says of the networks below it. */
const outerStatements = (entry: Entry, isV6: boolean): readonly Statement[] =>
  statementsOf(entry, OWN).filter(({ text }) => {
    const word = wordOf(text)
    if (isA(entry, 'dhcpService') && DAEMONS.has(word)) return false
    // One service may serve both families: each of its networks takes what is meant for it.
    const isOption = word === 'option' || valuesOf(entry, 'dhcpOption').includes(text)
    return !isOption || /^(?:option\s+)?dhcp6\./i.test(text) === isV6
  })

/** What a service says of the daemon alone: that is for the template of its configuration. */
const DAEMONS: ReadonlySet<string> = new Set([
  ...['authoritative', 'not', 'ddns-update-style', 'ddns-updates', 'ddns-domainname', 'ddns-rev-domainname'],
  ...['log-facility', 'use-host-decl-names', 'ping-check', 'ping-timeout', 'update-static-leases', 'omapi-port'],
  ...['local-port', 'local-address', 'lease-file-name', 'pid-file-name', 'server-identifier', 'min-secs'],
])

const bootOf = (own: Said, outer: Said): NetworkFacts['boot'] => {
  const file = own.file ?? outer.file
  const nextServer = own.nextServer ?? outer.nextServer
  if (file === undefined && nextServer === undefined) return undefined
  return { ...(file !== undefined && { file }), ...(nextServer !== undefined && { nextServer }) }
}

/** Adds what a pool says to its network: to that around it, or to that of the shared network which its range is in. */
const addPool = (pool: Entry, byKey: ReadonlyMap<string, Entry>, found: ReadonlyMap<Entry, Subnet>): void => {
  const [around] = enclosing(pool, byKey)
  const statements = readStatements(statementsOf(pool, OWN))
  const refused = [...permits(pool), ...statements.permits].map(one => unlike(one, 'the ranges of this pool'))
  const own = around && found.get(around)
  const candidates = own ? [own] : [...found.values()].filter(one => one.shared && one.shared === around)
  const ranges = [...rangesOf(pool), ...statements.ranges]
  for (const range of ranges) {
    const target =
      candidates.length < 2 ? candidates[0] : candidates.find(({ facts }) => isInside(range, facts.address))
    if (target?.isOpen && refused.length === 0) target.ranges.push(range)
  }
  const lines = [
    ...refused,
    ...statements.options.map(one => ({
      ...asStatement(one, pool),
      problem: 'a pool has no options of its own here, its network has',
    })),
  ]
  candidates[0]?.options.push(...lines)
}

const asStatement = (one: DhcpStatement, { dn }: Entry): Statement =>
  typeof one === 'string' ? { text: one, id: dn } : one

const rangesOf = (entry: Entry): readonly string[] => RANGES.flatMap(attribute => valuesOf(entry, attribute))

/** Outside a pool nothing is refused by allowing something. */
const isRefusal = ({ text }: Statement): boolean => wordOf(text) !== 'allow'

const permits = (entry: Entry): readonly Statement[] => statementsOf(entry, ['dhcpPermitList'])

/** What is for some clients only would otherwise be given to all. */
const unlike = (statement: Statement, what: string): DhcpStatement => ({
  ...statement,
  problem: `not every server can be told for whom an address is, so ${what} are left out`,
})

const isInside = (range: string, address: string): boolean => {
  try {
    return contains(parseBlock(address), parseRange(range).from)
  } catch {
    return false // what makes no sense is told by whoever looks at the networks
  }
}

const isA = (entry: Entry, objectClass: string): boolean =>
  valuesOf(entry, 'objectClass').some(one => one.toLowerCase() === objectClass.toLowerCase())
