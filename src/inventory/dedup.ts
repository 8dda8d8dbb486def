/**
 * Resolution -> targets: which nodes are one machine, and which machines the operators leave. Pure.
 *
 * Two answers are one machine when they share a warehouse's id, a canonical (fully qualified) name, a MAC, or address
 * and port; never for the bare name alone, because two sites may both have a `node1`.
 */
import { isIP } from 'node:net'
import { parseMac } from '../base/mac.ts'
import type { ResolvedNode } from './lookup.ts'
import { filled } from './lookup.ts'
import type { Resolution, Selection } from './resolve.ts'
import type { Provenance, Target } from './target.ts'

/** Ways into one target which are kept; a machine in a thousand groups does not need a thousand explanations. */
const MAX_WAYS = 8
const SSH_PORT = 22

interface Machine {
  readonly nodes: ResolvedNode[]
}
/** Machines in the order in which they were met, each with the ways that led to it. */
type Reached = Map<Machine, readonly Provenance[]>

/** The machines of a resolution, each once, in the order in which the expression first names them. */
export const dedup = ({ selection, groups }: Pick<Resolution, 'selection' | 'groups'>): readonly Target[] =>
  dedupWithin(selection, [], groups).targets

/**
 * The machines of one selection, and which of them each of the others holds. Who is who is decided for all together; what
 * the machines are called and known for comes from the first alone.
 */
export const dedupWithin = (
  selection: Selection,
  others: readonly Selection[],
  groups: Resolution['groups'],
): { readonly targets: readonly Target[]; readonly within: readonly ReadonlySet<Target>[] } => {
  const own = nodesOf(selection, groups)
  const machineOf = identify([...new Set([...own, ...others.flatMap(other => nodesOf(other, groups))])])
  const opened = new Map<string, Reached>()

  const reach = (selection: Selection): Reached => {
    switch (selection.kind) {
      case 'nodes':
        return byNodes(selection.nodes)
      case 'union':
        return selection.parts.map(reach).reduce(unite, new Map())
      case 'group': {
        let inside = opened.get(selection.key)
        if (!inside) {
          const group = groups.get(selection.key)
          inside = group ? reach(group) : new Map()
          opened.set(selection.key, inside)
        }
        return under(selection.label, inside)
      }
      case 'operation':
        return combine(selection.operator, reach(selection.left), reach(selection.right))
      default:
        throw new Error(`unknown selection: ${selection satisfies never}`)
    }
  }

  const byNodes = (nodes: readonly ResolvedNode[]): Reached => {
    const reached: Reached = new Map()
    for (const node of nodes) {
      const machine = machineOf.get(node) as Machine
      const sources = node.warehouses.length > 0 ? node.warehouses : ['-']
      const ways = sources.map(warehouse => ({ warehouse, path: [node.requestedName as string] }))
      reached.set(machine, merged(reached.get(machine), ways))
    }
    return reached
  }

  const mine = new Set(own)
  const targets = new Map(
    [...reach(selection)].map(([machine, via]) => {
      const nodes = machine.nodes.filter(node => mine.has(node))
      return [machine, targetOf({ nodes }, via)]
    }),
  )
  const within = others.map(other => {
    const machines = [...reach(other).keys()]
    return new Set(machines.flatMap(machine => targets.get(machine) ?? []))
  })
  return { targets: [...targets.values()], within }
}

const under = (label: string, reached: Reached): Reached =>
  new Map(
    [...reached].map(([machine, ways]) => [
      machine,
      ways.map(way => ({ warehouse: way.warehouse, path: [label, ...way.path] })),
    ]),
  )

const unite = (left: Reached, right: Reached): Reached => {
  const both = new Map(left)
  for (const [machine, ways] of right) both.set(machine, merged(both.get(machine), ways))
  return both
}

const combine = (operator: ',' | '!' | '&' | '^', left: Reached, right: Reached): Reached => {
  switch (operator) {
    case ',':
      return unite(left, right)
    case '!':
      return new Map([...left].filter(([machine]) => !right.has(machine)))
    case '&':
      return new Map(
        [...left].flatMap(([machine, ways]) => {
          const others = right.get(machine)
          return others ? [[machine, merged(ways, others)] as const] : []
        }),
      )
    case '^':
      return new Map([
        ...[...left].filter(([machine]) => !right.has(machine)),
        ...[...right].filter(([machine]) => !left.has(machine)),
      ])
    default:
      throw new Error(`unknown operator: ${operator satisfies never}`)
  }
}

const merged = (known: readonly Provenance[] | undefined, ways: readonly Provenance[]): readonly Provenance[] => {
  if (!known) return ways.slice(0, MAX_WAYS)
  const text = (way: Provenance) => `${way.warehouse}\0${way.path.join('\0')}`
  const seen = new Set(known.map(text))
  return [...known, ...ways.filter(way => !seen.has(text(way)))].slice(0, MAX_WAYS)
}

/** Those of the selection itself, then those of the groups which it leads to. */
const nodesOf = (selection: Selection, groups: Resolution['groups']): readonly ResolvedNode[] => {
  const pending: Selection[] = [selection]
  const opened = new Set<string>()
  const nodes: ResolvedNode[] = []
  const collect = (part: Selection): void => {
    switch (part.kind) {
      case 'nodes':
        for (const node of part.nodes) nodes.push(node)
        return
      case 'group': {
        const inside = opened.has(part.key) ? undefined : groups.get(part.key)
        opened.add(part.key)
        if (inside) pending.push(inside)
        return
      }
      case 'union':
        for (const one of part.parts) collect(one)
        return
      case 'operation':
        collect(part.left)
        collect(part.right)
        return
      default:
        throw new Error(`unknown selection: ${part satisfies never}`)
    }
  }
  for (const part of pending) collect(part)
  return nodes
}

/** Joins nodes which share any identity, also through a third one (union-find over identities). */
const identify = (nodes: readonly ResolvedNode[]): ReadonlyMap<ResolvedNode, Machine> => {
  const parents: number[] = []
  const rootOf = (i: number): number => {
    let root = i
    while (parents[root] !== root) root = parents[root] as number
    for (let at = i; at !== root; ) [at, parents[at]] = [parents[at] as number, root]
    return root
  }
  const firstWith = new Map<string, number>()
  for (const [i, node] of nodes.entries()) {
    parents.push(i)
    for (const identity of identitiesOf(node)) {
      const other = firstWith.get(identity)
      if (other === undefined) firstWith.set(identity, i)
      else parents[rootOf(i)] = rootOf(other)
    }
  }
  const machines = new Map<number, Machine>()
  const machineOf = new Map<ResolvedNode, Machine>()
  for (const [i, node] of nodes.entries()) {
    const root = rootOf(i)
    const machine = machines.get(root) ?? { nodes: [] }
    machines.set(root, machine)
    machine.nodes.push(node)
    machineOf.set(node, machine)
  }
  return machineOf
}

const identitiesOf = ({ facts, warehouses }: ResolvedNode): readonly string[] => {
  const [owner = '-'] = warehouses
  // Without an address the name itself is what we would connect to.
  const addresses = facts.addresses?.length ? facts.addresses : [facts.name]
  const names = [facts.name as string, ...(facts.aliases ?? [])]
  return [
    `name ${owner} ${facts.name}`,
    ...(facts.id === undefined ? [] : [`id ${owner} ${facts.id}`]),
    ...names.filter(isCanonical).map(name => `fqdn ${name.toLowerCase().replace(/\.$/, '')}`),
    ...(facts.macs ?? []).map(mac => `mac ${canonicalMac(mac)}`),
    ...addresses.map(address => `address ${address.toLowerCase()} ${facts.port ?? SSH_PORT}`),
  ]
}

/** Two spellings of one MAC as one text; what is no MAC stays as it is, for the actor which needs one to refuse. */
const canonicalMac = (mac: string): string => {
  try {
    return parseMac(mac)
  } catch {
    return mac // an InfiniBand port's, say
  }
}

const isCanonical = (name: string): boolean => name.includes('.') && isIP(name) === 0

const targetOf = (machine: Machine, via: readonly Provenance[]): Target => {
  const [first, ...others] = machine.nodes as [ResolvedNode, ...ResolvedNode[]]
  const facts = others.reduce((all, node) => filled(all, node.facts), first.facts)
  const names = [
    first.requestedName,
    ...machine.nodes.flatMap(node => [node.facts.name, node.requestedName, ...(node.facts.aliases ?? [])]),
  ]
  return {
    name: first.requestedName,
    names: [...new Set<string>(names)],
    addresses: facts.addresses ?? [],
    port: facts.port,
    user: facts.user,
    macs: [...new Set((facts.macs ?? []).map(canonicalMac))],
    vars: facts.vars ?? {},
    via,
  }
}
