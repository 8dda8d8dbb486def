/** The format of hosts(5), edited: which address has which names. Pure. */
import { isIP, SocketAddress } from 'node:net'
import { insert, type Line, trimmed } from '../files/lines.ts'

export interface HostEntry {
  readonly address: string
  /** The first is the canonical one. */
  readonly names: readonly string[]
}

/** An address in one spelling: `2001:DB8:0::1` is `2001:db8::1`; `undefined` when it is none. */
export const canonical = (address: string): string | undefined => {
  const [plain = '', zone] = address.split('%')
  const family = isIP(plain)
  if (family === 0) return undefined
  const spelled = new SocketAddress({ address: plain, family: family === 4 ? 'ipv4' : 'ipv6' }).address
  return zone === undefined ? spelled : `${spelled}%${zone}`
}

interface HostLine {
  readonly address: string
  readonly names: readonly string[]
  /** With its `#` and a space before it. */
  readonly comment: string
}

const parse = (body: string): HostLine | undefined => {
  const hash = body.indexOf('#')
  const fields = trimmed(hash < 0 ? body : body.slice(0, hash))
  const comment = hash < 0 ? '' : ` ${body.slice(hash)}`
  const [first, ...names] = fields.split(/[ \t]+/)
  const address = first === undefined ? undefined : canonical(first)
  return address === undefined ? undefined : { address, names, comment }
}

const lineOf = ({ address, names, comment }: HostLine): string => `${address}\t${names.join(' ')}${comment}`

const familyOf = (address: string): string => (address.includes(':') ? '6' : '4')

/**
 * The lines in which every entry's names belong to its address, and to no other of the same family: a name may have an IPv4
 * and an IPv6 address. On an address's line the entry's names come first, in their order; names of others there stay. New
 * lines go to the end. Lines which need no change keep their bytes.
 */
export const withEntries = (lines: readonly Line[], entries: readonly HostEntry[]): readonly Line[] => {
  const wanted = Map.groupBy(entries, ({ address }) => canonical(address) as string)
  /** Name and family -> the addresses it may have. */
  const homes = new Map<string, Set<string>>()
  for (const [address, group] of wanted)
    for (const name of group.flatMap(({ names }) => names)) {
      const key = keyOf(name, address)
      homes.set(key, (homes.get(key) ?? new Set()).add(address))
    }
  const parsed = lines.map(({ body }) => parse(body))
  const ownLines = ownLinesOf(parsed, wanted)
  const kept: Line[] = []
  for (const [index, line] of lines.entries()) {
    const host = parsed[index]
    if (!host) {
      kept.push(line)
      continue
    }
    const { address } = host
    const unmanaged = host.names.filter(name => !homes.has(keyOf(name, address)))
    const isOwnLine = ownLines.get(address) === index
    const names = isOwnLine ? [...namesOf(wanted.get(address)), ...unmanaged] : unmanaged
    if (sameNames(names, host.names)) kept.push(line)
    else if (names.length > 0) kept.push({ ...line, body: lineOf({ ...host, names }) })
  }
  const added = [...wanted].flatMap(([address, group]) =>
    ownLines.has(address) ? [] : [lineOf({ address, names: namesOf(group), comment: '' })],
  )
  return added.length === 0 ? kept : insert(kept, kept.length, added)
}

/** The lines without the entries' names at their addresses; an entry without names takes all of its address away. */
export const withoutEntries = (lines: readonly Line[], entries: readonly HostEntry[]): readonly Line[] => {
  const unwanted = Map.groupBy(entries, ({ address }) => canonical(address) as string)
  return lines.flatMap(line => {
    const host = parse(line.body)
    const group = host && unwanted.get(host.address)
    if (!group) return [line]
    if (group.some(({ names }) => names.length === 0)) return []
    const ours = new Set(namesOf(group).map(name => name.toLowerCase()))
    const names = host.names.filter(name => !ours.has(name.toLowerCase()))
    if (names.length === host.names.length) return [line]
    return names.length === 0 ? [] : [{ ...line, body: lineOf({ ...host, names }) }]
  })
}

/** The line which an address's entry sits on: the first that has one of its names, else its first. */
const ownLinesOf = (
  parsed: readonly (HostLine | undefined)[],
  wanted: ReadonlyMap<string, readonly HostEntry[]>,
): ReadonlyMap<string, number> => {
  const ownLines = new Map<string, number>()
  const chosen = new Set<string>()
  for (const [index, host] of parsed.entries()) {
    const group = host && wanted.get(host.address)
    if (!group || chosen.has(host.address)) continue
    const ours = new Set(namesOf(group).map(name => name.toLowerCase()))
    const hasOurs = host.names.some(name => ours.has(name.toLowerCase()))
    if (hasOurs) chosen.add(host.address)
    if (hasOurs || !ownLines.has(host.address)) ownLines.set(host.address, index)
  }
  return ownLines
}

const namesOf = (group: readonly HostEntry[] = []): readonly string[] => {
  const names = new Map<string, string>()
  for (const name of group.flatMap(entry => entry.names))
    if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
  return [...names.values()]
}

const keyOf = (name: string, address: string): string => `${familyOf(address)} ${name.toLowerCase()}`

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index])
