/** Several rows, lines or entries may be about one node: they are gathered here. */
import type { NodeFacts } from '../../src/inventory/warehouse.ts'
import type { Row } from './table.ts'

/** What one row says of a node. `undefined` is what it does not say. */
export interface NodeLine {
  readonly name: string
  readonly id: string | undefined
  readonly addresses: readonly (string | undefined)[]
  readonly macs: readonly (string | undefined)[]
  readonly aliases: readonly (string | undefined)[]
  readonly port: number | undefined
  readonly user: string | undefined
  readonly duids?: readonly string[]
  readonly hostKeys?: readonly string[]
  readonly dhcpOptions?: readonly string[]
  readonly boot?: NodeFacts['boot'] | undefined
  readonly vars: ReadonlyMap<string, unknown>
  readonly problem?: string | undefined
}

/**
 * One row for each name, in the order in which they are met first. Addresses, MACs, aliases and other lists are gathered; of
 * the id, port, user and boot file the first one counts; a var with different values becomes a list of them.
 */
export const gather = (lines: Iterable<NodeLine>): readonly Row[] => {
  const nodes = new Map<string, Gathered>()
  for (const line of lines) {
    let node = nodes.get(line.name)
    if (!node) {
      node = { lists: new Map(), vars: new Map() }
      nodes.set(line.name, node)
    }
    for (const key of LISTS)
      for (const one of line[key] ?? []) {
        if (one === undefined) continue
        const list = node.lists.get(key)
        if (list) list.add(one)
        else node.lists.set(key, new Set([one]))
      }
    node.id ??= line.id
    node.port ??= line.port
    node.user ??= line.user
    node.boot ??= line.boot
    node.problem ??= line.problem
    for (const [key, value] of line.vars) addVar(node.vars, key, value)
  }
  return [...nodes].map(([name, node]) => rowOf(name, node))
}

const LISTS = ['addresses', 'macs', 'aliases', 'duids', 'hostKeys', 'dhcpOptions'] as const

interface Gathered {
  readonly lists: Map<(typeof LISTS)[number], Set<string>>
  readonly vars: Map<string, unknown>
  id?: string | undefined
  port?: number | undefined
  user?: string | undefined
  boot?: NodeFacts['boot'] | undefined
  problem?: string | undefined
}

const addVar = (vars: Map<string, unknown>, key: string, value: unknown): void => {
  const before = vars.get(key)
  if (before === undefined) vars.set(key, value)
  else if (Array.isArray(before)) !before.includes(value) && before.push(value)
  else if (before !== value && typeof value !== 'object') vars.set(key, [before, value])
}

const rowOf = (name: string, { id, port, user, boot, problem, lists, vars }: Gathered): Row => ({
  name,
  ...(id !== undefined && { id }),
  ...Object.fromEntries([...lists].map(([key, list]) => [key, [...list]])),
  ...(port !== undefined && { port }),
  ...(user !== undefined && { user }),
  ...(boot !== undefined && { boot }),
  ...(problem !== undefined && { problem }),
  ...(vars.size > 0 && { vars: Object.fromEntries(vars) }),
})

/** The list at the key; an empty one is put there if need be. */
export const listIn = <K, V>(lists: Map<K, V[]>, key: K): V[] => {
  const known = lists.get(key)
  if (known) return known
  const fresh: V[] = []
  lists.set(key, fresh)
  return fresh
}
