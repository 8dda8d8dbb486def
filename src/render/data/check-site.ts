/** The facts of all sources -> hosts and networks which make sense together, and what does not. Pure. */
import type { NetworkFacts, NodeRecord } from '../../inventory/warehouse.ts'
import { isInRange, lookup, type Placed } from './address-blocks.ts'
import { duplicates } from './duplicates.ts'
import { type NumberedHost, readHosts } from './hosts.ts'
import type { Host, Network } from './model.ts'
import { readNetworks, type Source } from './networks.ts'
import {
  byWeight,
  collectProblems,
  listed,
  named,
  originsOf,
  type Policy,
  type Problem,
  type ProblemKind,
  type Problems,
} from './problem.ts'

/** By source, in the order in which they count. */
export interface SourceFacts {
  readonly networks: readonly Source<NetworkFacts>[]
  readonly hosts: readonly Source<NodeRecord>[]
}

export interface Checked {
  /** In the order of their addresses. */
  readonly networks: readonly Network[]
  /** In the order of their names. */
  readonly hosts: readonly Host[]
  /** Those which stop everything first, then in the order of their texts. */
  readonly problems: readonly Problem[]
}

/** The same data gives the same answer, whatever order a source's entries come in. Never throws for what is in the data. */
export const checkSite = ({ networks, hosts }: SourceFacts, policy: Policy): Checked => {
  const problems = collectProblems(policy)
  const placed = readNetworks(networks, problems)
  const find = lookup(placed)
  const known = withoutDuplicates(readHosts(hosts, problems), find, problems)
  const checked = known.map(host => hostAt(host, placed, find, problems)).sort((a, b) => (a.name < b.name ? -1 : 1))
  return { networks: placed.map(({ network }) => network), hosts: checked, problems: problems.found.toSorted(byWeight) }
}

type Find = ReturnType<typeof lookup>

/** What only one host may have, and how a message calls it. */
const IDENTITIES: readonly (readonly [ProblemKind, string, (host: NumberedHost) => readonly string[]])[] = [
  ['duplicate-mac', 'the MAC', host => host.macs],
  ['duplicate-address', 'the address', host => host.addresses.map(({ text }) => text)],
  ['duplicate-duid', 'the DUID', host => host.duids],
]

/** Hosts and aliases which cannot be told apart are left out together, unless the policy lets them stay. */
const withoutDuplicates = (hosts: readonly NumberedHost[], find: Find, problems: Problems): readonly NumberedHost[] => {
  const gone = new Set<NumberedHost>()
  const together = (kind: ProblemKind, what: string, same: readonly NumberedHost[]): void => {
    const sorted = same.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const who = listed(sorted.map(label))
    const left = sorted.length === 2 ? 'both hosts' : `all ${sorted.length} hosts`
    if (problems.report(kind, `${who} ${what}`, sorted.flatMap(originsOf), left, '')) return
    for (const host of same) gone.add(host)
  }
  for (const [kind, what, keysOf] of IDENTITIES)
    for (const [key, same] of duplicates(hosts, keysOf)) together(kind, `have ${what} ${key}`, same)
  for (const [name, same] of duplicates(hosts, host => [host.name, ...fullName(host, find)]))
    together('duplicate-name', `are both ${name} in DNS`, same)
  const kept = hosts.filter(host => !gone.has(host))
  return withoutSharedAliases(kept, problems)
}

/** The name which a host without a domain has in that of its network. */
const fullName = ({ name, addresses }: NumberedHost, find: Find): readonly string[] => {
  if (name.includes('.')) return []
  const domains = addresses.flatMap(({ number }) => find(number)[0]?.network.domain ?? [])
  return [...new Set(domains)].map(domain => `${name}.${domain}`)
}

const label = (host: NumberedHost): string => named('', host.name, ...originsOf(host))

const withoutSharedAliases = (hosts: readonly NumberedHost[], problems: Problems): readonly NumberedHost[] => {
  const wrong = new Map<NumberedHost, Set<string>>()
  for (const [alias, same] of duplicates(hosts, host => [host.name, ...host.aliases])) {
    const owner = same.find(({ name }) => name === alias)
    const others = same.filter(host => host !== owner).sort((a, b) => (a.name < b.name ? -1 : 1))
    const who = listed(others.map(label))
    const what = owner
      ? `${alias} is an alias of ${who}, and the name of ${label(owner)}`
      : `${alias} is an alias of ${who}`
    const origins = [...others, ...(owner ? [owner] : [])].flatMap(originsOf)
    if (problems.report('duplicate-alias', what, origins, 'this alias', '')) continue
    for (const host of others) wrong.set(host, (wrong.get(host) ?? new Set()).add(alias))
  }
  return hosts.map(host => {
    const aliases = wrong.get(host)
    return aliases ? { ...host, aliases: host.aliases.filter(alias => !aliases.has(alias)) } : host
  })
}

/** The host as a service gets it, its addresses looked up in the networks. */
const hostAt = (host: NumberedHost, placed: readonly Placed[], find: Find, problems: Problems): Host => {
  const report = (kind: ProblemKind, what: string) =>
    problems.report(
      kind,
      `${named('host', host.name, ...originsOf(host))}: ${what}`,
      originsOf(host),
      'this address',
      '',
    )
  const kept = host.addresses.filter(({ text, family, number }) => {
    const around = find(number)
    if (around.some(one => isInRange(one, number)))
      return report('address-in-range', `the address ${text} is in a range which is given to whoever asks`)
    if (around.length > 0 || !placed.some(({ block }) => block.family === family)) return true
    return report('address-outside', `the address ${text} is in none of the networks`)
  })
  return { ...host, addresses: kept.map(({ text, family }) => ({ text, family })) }
}
