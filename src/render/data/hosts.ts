/** The warehouses' facts of hosts -> hosts, each once. Pure. */
import { isIP } from 'node:net'
import { parseMac } from '../../base/mac.ts'
import { isNodeName, shown } from '../../base/names.ts'
import type { NodeRecord } from '../../inventory/warehouse.ts'
import { type NumberedAddress, parseHostAddress } from './address.ts'
import { readBoot } from './boot.ts'
import { readOptions } from './dhcp-options.ts'
import { parseDuid } from './duid.ts'
import { duplicates } from './duplicates.ts'
import { parseHostName } from './host-name.ts'
import type { Host } from './model.ts'
import type { Source } from './networks.ts'
import { listed, originText, type Problems, subject } from './problem.ts'
import { parsePublicKey } from './public-key.ts'

/** A host whose addresses can be compared. */
export interface NumberedHost extends Host {
  readonly addresses: readonly NumberedAddress[]
}

/**
 * Hosts, in no order. A machine which several sources know, by its name or an alias, is one host: what the first one does not
 * say is taken from the others. Two of one name in one source are two machines.
 */
export const readHosts = (sources: readonly Source<NodeRecord>[], problems: Problems): readonly NumberedHost[] => {
  let hosts: readonly NumberedHost[] = []
  for (const { warehouse, entries } of sources) {
    const own = withoutNamesakes(
      entries.flatMap(record => hostOf(record, warehouse, problems) ?? []),
      problems,
    )
    hosts = hosts.length === 0 ? own : joined(hosts, own, problems)
  }
  return hosts
}

const hostOf = (record: NodeRecord, warehouse: string, problems: Problems): NumberedHost | undefined => {
  const origin = { warehouse, id: record.id ?? record.name }
  const about = subject(problems, 'host', record.name, origin)
  const name = about.one('bad-name', 'this host', record.name, parseHostName)
  if (name === undefined) return undefined
  const { port, user, problem } = record
  const wrong = problem ?? unfit(port, user)
  if (wrong !== undefined && !about.report('bad-host', wrong, 'this host', '')) return undefined
  return {
    name,
    aliases: unique(about.each('bad-alias', 'this alias', record.aliases, parseHostName)).filter(one => one !== name),
    addresses: addressesOf(about.each('bad-address', 'this address', record.addresses, parseListed)),
    macs: unique(about.each('bad-mac', 'this MAC', record.macs, parseMac)),
    duids: unique(about.each('bad-duid', 'this DUID', record.duids, parseDuid)),
    boot: readBoot(record.boot, about),
    options: record.dhcpOptions ? [...readOptions(record.dhcpOptions, undefined, about).values()] : NONE,
    sshHostKeys: unique(about.each('bad-host-key', 'this key', record.hostKeys, parsePublicKey)),
    sshPort: isPort(port) ? port : undefined,
    user: isUser(user) ? user : undefined,
    vars: record.vars ?? {},
    origin,
    furtherOrigins: record.furtherIds?.map(id => ({ warehouse, id })) ?? NONE,
  }
}

const NONE: readonly never[] = []

const unique = (texts: readonly string[]): readonly string[] => (texts.length < 2 ? texts : [...new Set(texts)])

/** What one connects to may be a name; here only addresses count. Numbers with dots are meant to be one. */
const parseListed = (text: string): NumberedAddress | undefined => {
  const isName = isIP(text) === 0 && isNodeName(text) && !text.includes(':') && !/^[\d.]+$/.test(text)
  return isName ? undefined : parseHostAddress(text)
}

const addressesOf = (found: readonly (NumberedAddress | undefined)[]): readonly NumberedAddress[] => {
  const addresses = found.filter(one => one !== undefined)
  return addresses.length < 2 ? addresses : [...new Map(addresses.map(one => [one.text, one])).values()]
}

const isPort = (port: number | undefined): boolean =>
  port === undefined || (Number.isInteger(port) && port >= 1 && port <= 65_535)

// A login program may get it as a word of its own.
const isUser = (user: string | undefined): boolean => user === undefined || /^[^\s\p{C}-][^\s\p{C}]*$/u.test(user)

const unfit = (port: number | undefined, user: string | undefined): string | undefined => {
  if (!isPort(port)) return `the port ${port} is none`
  return isUser(user) ? undefined : `the user ${shown(user ?? '')} is no user's name`
}

/** Two of one name cannot both be in a site: at best the first one is, in the order of their identities. */
const withoutNamesakes = (hosts: readonly NumberedHost[], problems: Problems): readonly NumberedHost[] => {
  const gone = new Set<NumberedHost>()
  for (const [name, same] of duplicates(hosts, host => [host.name])) {
    const [first, ...others] = same.toSorted((a, b) => (a.origin.id < b.origin.id ? -1 : 1)) as [
      NumberedHost,
      ...NumberedHost[],
    ]
    const origins = [first, ...others].map(({ origin }) => origin)
    const what = `${same.length} hosts are called ${name}: ${listed(origins.map(originText))}`
    if (!problems.report('duplicate-name', what, origins, 'all of them', `${originText(first.origin)} counts`))
      gone.add(first)
    for (const other of others) gone.add(other)
  }
  return gone.size === 0 ? hosts : hosts.filter(host => !gone.has(host))
}

/** The hosts of earlier sources, with what a later one says of them, and its further ones. */
const joined = (
  earlier: readonly NumberedHost[],
  later: readonly NumberedHost[],
  problems: Problems,
): readonly NumberedHost[] => {
  const named = new Map(earlier.map(host => [host.name, host]))
  const aliased = new Map(earlier.flatMap(host => host.aliases.map(alias => [alias, host] as const)))
  for (const alias of duplicates(earlier, host => host.aliases).keys()) aliased.delete(alias)
  const known = new Map<NumberedHost, NumberedHost | undefined>(earlier.map(host => [host, host]))
  const fresh: NumberedHost[] = []
  for (const host of later) {
    const same =
      named.get(host.name) ?? aliased.get(host.name) ?? named.get(host.aliases.find(one => named.has(one)) ?? '')
    if (!same) fresh.push(host)
    const first = same && known.get(same)
    if (!same || !first) continue
    const why = contradiction(first, host)
    if (why === undefined) known.set(same, filled(first, host))
    else if (
      !problems.report(
        'contradiction',
        why,
        [first.origin, host.origin],
        'this host',
        `${first.origin.warehouse} counts`,
      )
    )
      known.set(same, undefined)
  }
  return [...[...known.values()].filter(host => host !== undefined), ...fresh]
}

/** Under one name two warehouses know different machines when they have addresses of one family, and none in common. */
const contradiction = (first: NumberedHost, other: NumberedHost): string | undefined => {
  for (const family of [4, 6] as const) {
    const [mine, theirs] = [first, other].map(({ addresses }) =>
      addresses.filter(one => one.family === family).map(one => one.text),
    )
    if (mine?.length && theirs?.length && !theirs.some(one => mine.includes(one)))
      return `${first.name} has the address ${listed(mine)} (${originText(first.origin)}) and ${listed(theirs)} (${originText(other.origin)})`
  }
  return undefined
}

/** The first one, with what it lacks from the other; lists are joined. */
const filled = (first: NumberedHost, more: NumberedHost): NumberedHost => {
  const options = new Set(first.options.map(({ name }) => name))
  return {
    name: first.name,
    aliases: unique([...first.aliases, more.name, ...more.aliases]).filter(alias => alias !== first.name),
    addresses: addressesOf([...first.addresses, ...more.addresses]),
    macs: unique([...first.macs, ...more.macs]),
    duids: unique([...first.duids, ...more.duids]),
    boot: { file: first.boot.file ?? more.boot.file, nextServer: first.boot.nextServer ?? more.boot.nextServer },
    options: [...first.options, ...more.options.filter(({ name }) => !options.has(name))],
    sshHostKeys: unique([...first.sshHostKeys, ...more.sshHostKeys]),
    sshPort: first.sshPort ?? more.sshPort,
    user: first.user ?? more.user,
    vars: { ...more.vars, ...first.vars },
    origin: first.origin,
    furtherOrigins: [...first.furtherOrigins, more.origin, ...more.furtherOrigins],
  }
}
