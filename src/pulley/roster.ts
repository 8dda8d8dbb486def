/** Nodes of a VO as a warehouse: their roles are the groups. What target expressions of a policy or an order refer to. */
import type { GroupName, NodeName } from '../names.ts'
import { isNodeName, parseNodeName } from '../names.ts'
import type { Member, NodeFacts, Warehouse } from '../warehouse.ts'

export interface RosterNode {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly addresses?: readonly string[]
  readonly macs?: readonly string[]
}

/** The group of all nodes. */
export const ALL = 'all'

/** `vars`: what is known beside name and roles. */
export const rosterWarehouse = (
  name: string,
  nodes: () => Promise<readonly RosterNode[]>,
  vars: (node: RosterNode) => Readonly<Record<string, unknown>> = () => ({}),
): Warehouse => {
  const facts = (node: RosterNode): NodeFacts => ({
    name: parseNodeName(node.name),
    id: node.id,
    ...(node.addresses && node.addresses.length > 0 && { addresses: node.addresses }),
    ...(node.macs && node.macs.length > 0 && { macs: node.macs }),
    vars: { ...vars(node), id: node.id, roles: node.roles },
  })
  const named = async () => (await nodes()).filter(node => isNodeName(node.name))
  return {
    name,
    async members(group: GroupName): Promise<readonly Member[] | undefined> {
      const all = await named()
      const found = group === ALL ? all : all.filter(node => node.roles.includes(group))
      if (found.length === 0 && group !== ALL) return undefined
      return found.map(node => ({ kind: 'node', name: parseNodeName(node.name) }))
    },
    async nodes(names) {
      const asked = new Set<string>(names)
      const found = (await named()).filter(node => asked.has(node.name))
      return new Map<NodeName, NodeFacts>(found.map(node => [parseNodeName(node.name), facts(node)]))
    },
    async *groups() {
      const roles = new Set((await nodes()).flatMap(node => node.roles))
      yield* [ALL, ...[...roles].filter(role => role !== ALL).sort()] as GroupName[]
    },
    async *all() {
      for (const node of await named()) yield facts(node)
    },
    async [Symbol.asyncDispose]() {},
  }
}
