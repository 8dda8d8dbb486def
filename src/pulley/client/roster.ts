/** Nodes of a VO as a warehouse: their roles are the groups. What target expressions of a policy or an order refer to. */
import type { GroupName, NodeName } from '../../base/names.ts'
import { isNodeName, parseNodeName } from '../../base/names.ts'
import type { Member, NodeFacts, Warehouse } from '../../inventory/warehouse.ts'

export interface RosterNode {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly addresses?: readonly string[]
  readonly macs?: readonly string[]
}

export interface Roster<N extends RosterNode = RosterNode> {
  readonly nodes: readonly N[]
  /** Roles which are known although nobody need have them yet: groups which may be empty. */
  readonly roles: readonly string[]
}

/** The group of all nodes. */
export const ALL = 'all'

/** `vars`: what is known beside name and roles. */
export const rosterWarehouse = <N extends RosterNode>(
  name: string,
  roster: () => Promise<Roster<N>>,
  vars: (node: N) => Readonly<Record<string, unknown>> = () => ({}),
): Warehouse => {
  const facts = (node: N, isOwn: (text: string) => boolean): NodeFacts => {
    const [addresses, macs] = [node.addresses?.filter(isOwn) ?? [], node.macs?.filter(isOwn) ?? []]
    return {
      name: parseNodeName(node.name),
      id: node.id,
      ...(addresses.length > 0 && { addresses }),
      ...(macs.length > 0 && { macs }),
      vars: { ...vars(node), id: node.id, roles: node.roles },
    }
  }
  const named = async () => (await roster()).nodes.filter(node => isNodeName(node.name))
  return {
    name,
    async members(group: GroupName): Promise<readonly Member[] | undefined> {
      const all = await named()
      const found = group === ALL ? all : all.filter(node => node.roles.includes(group))
      if (found.length === 0 && group !== ALL && !(await roster()).roles.includes(group)) return undefined
      return found.map(node => ({ kind: 'node', name: parseNodeName(node.name) }))
    },
    async nodes(names) {
      const asked = new Set<string>(names)
      const all = await named()
      const isOwn = ownTo(all)
      const found = all.filter(node => asked.has(node.name))
      return new Map<NodeName, NodeFacts>(found.map(node => [parseNodeName(node.name), facts(node, isOwn)]))
    },
    async *groups() {
      const { nodes, roles: known } = await roster()
      const roles = new Set([...known, ...nodes.flatMap(node => node.roles)])
      yield* [ALL, ...[...roles].filter(role => role !== ALL).sort()] as GroupName[]
    },
    async *all() {
      const all = await named()
      const isOwn = ownTo(all)
      for (const node of all) yield facts(node, isOwn)
    },
    async [Symbol.asyncDispose]() {},
  }
}

/**
 * Whether an address belongs to one node alone. Sites number their private networks alike, and clones of a VM keep its
 * Ethernet address: what two nodes have says nothing about who they are, and where neither can be reached.
 */
const ownTo = (nodes: readonly RosterNode[]): ((text: string) => boolean) => {
  const seen = new Set<string>()
  const shared = new Set<string>()
  for (const { addresses = [], macs = [] } of nodes)
    for (const text of new Set([...addresses, ...macs])) {
      if (seen.has(text)) shared.add(text)
      seen.add(text)
    }
  return text => !shared.has(text)
}
