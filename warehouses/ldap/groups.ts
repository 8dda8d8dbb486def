/** Entries -> groups and their direct members. Pure. */
import { StokerError } from '../../src/base/errors.ts'
import { isNodeName, shown } from '../../src/base/names.ts'
import type { Member } from '../../src/inventory/warehouse.ts'
import { fitMembers, type RowMember } from '../common/table.ts'
import { dnKey } from './dn.ts'
import { type Entry, valuesOf } from './entry.ts'
import { type Nodes, namesOf } from './nodes.ts'
import type { Settings } from './settings.ts'

/** RFC 2307 section 4: where netgroups have their members. */
export const NETGROUP_ATTRIBUTES = ['nisNetgroupTriple', 'memberNisNetgroup']

export interface Groups {
  /** The name of each group, the one in its DN; fit or not. */
  readonly names: readonly string[]
  /** Whether there is a group of that name or alias. */
  has(name: string): boolean
  /** Direct members of a known group. Throws `WAREHOUSE_FAILED` when it cannot be told completely. */
  members(name: string): readonly Member[]
  /** The nodes of entries which matched a filter. Throws as `members` does. */
  matches(entries: readonly Entry[], label: string): readonly Member[]
}

type NodeMember = Extract<Member, { readonly kind: 'node' }>

export const readGroups = (entries: readonly Entry[], nodes: Nodes, settings: Settings): Groups => {
  const { mapping, warehouse, dangling } = settings
  const byName = new Map<string, Entry[]>()
  const groupOf = new Map<string, string>()
  const names = new Set<string>()
  for (const entry of entries) {
    const all = namesOf(entry, GROUP_NAME)
    const [name] = all
    if (name === undefined) continue // cn is the one attribute which all the classes of groups must have
    names.add(name)
    groupOf.set(dnKey(entry.dn), name)
    for (const one of all) byName.set(one, [...(byName.get(one) ?? []), entry])
  }

  const fail = (subject: string, what: string) =>
    new StokerError('WAREHOUSE_FAILED', shown(subject), `warehouse ${warehouse}: ${what}`)
  /** A node whose name is not fit must not make the list shorter. */
  const node = (name: string, dn: string, label: string): NodeMember => {
    if (isNodeName(name)) return { kind: 'node', name }
    throw fail(
      dn,
      `${label} has the member ${shown(dn)}, whose name ${shown(name)} is not fit to be one; correct it in the directory`,
    )
  }
  const lost = (what: string, label: string): readonly RowMember[] => {
    if (dangling === 'ignore') return []
    throw fail(
      what,
      `${label} has the member ${shown(what)}, but no such node or group is found; take it out there, check the options nodes and groups, or set dangling: ignore`,
    )
  }

  const byDn = (dn: string, label: string): readonly RowMember[] => {
    if (dn === '') return [] // an empty group of a class which must have a member
    const key = dnKey(dn)
    const name = nodes.nameOf.get(key)
    if (name !== undefined) return [node(name, dn, label)]
    const group = groupOf.get(key)
    return group === undefined ? lost(dn, label) : [{ kind: 'group', name: group }]
  }

  const byTriple = (triple: string, label: string): readonly RowMember[] => {
    const [, host, user] = TRIPLE.exec(triple) ?? []
    if (host === undefined)
      throw fail(triple, `${label} has the member ${shown(triple)}, which is no (host,user,domain)`)
    if (host === '-') return []
    if (host !== '') return [node(nodes.named.get(host) ?? host, triple, label)]
    if (user !== '') return [] // about a user, on whatever host
    throw fail(triple, `${label} has the member ${shown(triple)}, which is every host there is; write @* for that`)
  }

  return {
    names: [...names],
    has: name => byName.has(name),
    members(name) {
      const label = `group ${shown(name)}`
      const [entry, other] = byName.get(name) ?? []
      if (!entry) return []
      if (other)
        throw fail(name, `two groups are called ${shown(name)}: ${shown(entry.dn)} and ${shown(other.dn)}; rename one`)
      const wanted = new Set([...mapping.members, ...NETGROUP_ATTRIBUTES].map(attribute => attribute.toLowerCase()))
      const cut = entry.cut.find(attribute => wanted.has(attribute))
      if (cut !== undefined)
        throw fail(
          name,
          `the server tells only the first values of ${cut} of ${shown(entry.dn)}; raise its limit (MaxValRange)`,
        )
      const members = [
        ...mapping.members
          .flatMap(attribute => valuesOf(entry, attribute))
          .flatMap(dn => byDn(dn.replace(UID, ''), label)),
        ...valuesOf(entry, 'nisNetgroupTriple').flatMap(triple => byTriple(triple, label)),
        ...valuesOf(entry, 'memberNisNetgroup').flatMap((group): readonly RowMember[] =>
          byName.has(group) ? [{ kind: 'group', name: group }] : lost(group, label),
        ),
      ]
      return fitMembers(members, name, warehouse)
    },
    matches(found, label) {
      const members = found.map(({ dn }): NodeMember => {
        const name = nodes.nameOf.get(dnKey(dn))
        if (name !== undefined) return node(name, dn, label)
        throw fail(dn, `${label} has the entry ${shown(dn)}, which was not there a moment ago; try again`)
      })
      // A machine with several entries may match with more than one.
      return [...new Map(members.map(member => [member.name, member])).values()]
    },
  }
}

export const GROUP_NAME = 'cn'

/** RFC 2307 section 2.4 */
const TRIPLE = /^\(\s*([^,()]*?)\s*,\s*([^,()]*?)\s*,\s*([^,()]*?)\s*\)$/

/** A unique member may have an identifier behind its DN (RFC 4517 section 3.3.21). */
const UID = /#'[01]*'B$/
