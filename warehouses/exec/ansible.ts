/** What an Ansible inventory script prints for `--list`, as a table. Pure. */
import { StokerError } from '../../src/base/errors.ts'
import type { Row, RowMember, Table } from '../common/table.ts'
import { isEntry, parseJson, portOf, portProblem, textOf } from './facts.ts'

type Vars = Readonly<Record<string, unknown>>

interface Group {
  readonly hosts: readonly string[]
  readonly children: readonly string[]
  readonly vars: Vars
}

/**
 * Groups with `hosts`, `children` and `vars` (or just a list of hosts), and `_meta.hostvars`. A host has its groups' vars,
 * and theirs; the nearer group wins, the host's own win over all. `ansible_host`, `ansible_port` and `ansible_user` become
 * address, port and user. `all` is every host, as with Ansible. Throws `WAREHOUSE_FAILED` for what is no such inventory.
 */
export const parseAnsible = (text: string, warehouse: string): Table => {
  const inventory = parseJson(text, 'the output', warehouse)
  if (!isEntry(inventory)) throw senseless(warehouse, 'its output is no object')
  const { _meta: meta, ...entries } = inventory
  const hostvars = isEntry(meta) && isEntry(meta.hostvars) ? meta.hostvars : {}
  const groups = new Map(Object.entries(entries).map(([name, entry]) => [name, parseGroup(name, entry, warehouse)]))

  const memberships = new Map<string, string[]>(Object.keys(hostvars).map(host => [host, []]))
  for (const [name, { hosts }] of groups)
    for (const host of hosts) {
      const known = memberships.get(host)
      if (known) known.push(name)
      else memberships.set(host, [name])
    }
  const inherited = inheritance(groups)
  const nodes = [...memberships].map(([host, direct]) => {
    const own = hostvars[host]
    return rowOf(host, { ...inherited(direct), ...(isEntry(own) ? own : {}) })
  })
  const members = new Map([...groups].map(([name, group]) => [name, membersOf(group)]))
  members.set(
    'all',
    nodes.map(({ name }) => ({ kind: 'node', name })),
  )
  return { nodes, groups: members }
}

const parseGroup = (name: string, entry: unknown, warehouse: string): Group => {
  const {
    hosts = [],
    children = [],
    vars = {},
  }: Vars = Array.isArray(entry) ? { hosts: entry } : isEntry(entry) ? entry : { hosts: 0 }
  if (!isTexts(hosts)) throw senseless(warehouse, `the hosts of group ${JSON.stringify(name)} are no list of names`)
  if (!isTexts(children))
    throw senseless(warehouse, `the children of group ${JSON.stringify(name)} are no list of names`)
  if (!isEntry(vars)) throw senseless(warehouse, `the vars of group ${JSON.stringify(name)} are no object`)
  return { hosts, children, vars }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(one => typeof one === 'string')

const senseless = (warehouse: string, what: string): StokerError => {
  const message = `warehouse ${warehouse}: the command prints no Ansible inventory: ${what}; run it with --list`
  return new StokerError('WAREHOUSE_FAILED', warehouse, message)
}

const membersOf = ({ hosts, children }: Group): readonly RowMember[] => [
  ...hosts.map(name => ({ kind: 'node', name }) as const),
  ...children.map(name => ({ kind: 'group', name }) as const),
]

/** The vars which a host has from these groups and all above them: those farthest from it first, so that nearer ones win. */
const inheritance = (groups: ReadonlyMap<string, Group>): ((direct: readonly string[]) => Vars) => {
  const parents = new Map<string, string[]>()
  for (const [name, { children }] of groups)
    for (const child of children) parents.set(child, [...(parents.get(child) ?? []), name])

  const depths = new Map<string, number>()
  /** How deep a group is below the top; a cycle, which is told when its members are asked, counts once. */
  const depthOf = (name: string, path: readonly string[] = []): number => {
    const known = depths.get(name)
    if (known !== undefined) return known
    if (path.includes(name)) return 0
    const above = (parents.get(name) ?? []).map(parent => depthOf(parent, [...path, name]))
    const depth = name === 'all' ? 0 : 1 + Math.max(0, ...above)
    depths.set(name, depth)
    return depth
  }
  const withParents = (direct: readonly string[]): ReadonlySet<string> => {
    const all = new Set(['all', ...direct])
    for (const name of all) for (const parent of parents.get(name) ?? []) all.add(parent)
    return all
  }
  const known = new Map<string, Vars>()
  return direct => {
    const key = direct.join('\0')
    let vars = known.get(key)
    if (!vars) {
      const order = [...withParents(direct)].sort(
        (a, b) => depthOf(a) - depthOf(b) || priorityOf(groups.get(a)) - priorityOf(groups.get(b)) || (a < b ? -1 : 1),
      )
      vars = Object.fromEntries(order.flatMap(name => Object.entries(groups.get(name)?.vars ?? {})))
      known.set(key, vars)
    }
    return vars
  }
}

const priorityOf = (group: Group | undefined): number => Number(group?.vars.ansible_group_priority ?? 1)

const TAKEN = new Set(['host', 'port', 'user'].flatMap(key => [`ansible_${key}`, `ansible_ssh_${key}`]))

const rowOf = (name: string, vars: Vars): Row => {
  const fact = (key: string): unknown => vars[`ansible_${key}`] ?? vars[`ansible_ssh_${key}`]
  const [address, user, port] = [textOf(fact('host')), textOf(fact('user')), portOf(fact('port'))]
  const problem = portProblem(name, fact('port'))
  const others = Object.entries(vars).filter(([key]) => !TAKEN.has(key) && key !== 'ansible_group_priority')
  return {
    name,
    ...(address !== undefined && { addresses: [address] }),
    ...(port !== undefined && { port }),
    ...(user !== undefined && { user }),
    ...(others.length > 0 && { vars: Object.fromEntries(others) }),
    ...(problem !== undefined && { problem }),
  }
}
