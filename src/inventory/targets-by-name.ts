/** Names as they stand -> targets, one for each name: for command lines on which a name is a host and nothing else. */
import type { Abortable } from '../base/abortable.ts'
import { parseNodeName } from '../base/names.ts'
import { dedup } from './dedup.ts'
import { openLookup } from './lookup.ts'
import type { Target } from './target.ts'
import type { Warehouse } from './warehouse.ts'

export interface NamedTargets {
  /** In the order of the names. */
  readonly targets: readonly Target[]
  /** What the administrator should know: contradictions between warehouses. */
  readonly notices: readonly string[]
}

/**
 * What the warehouses know of each name; one which nobody knows is taken as a host name, and two names of one machine stay two
 * targets. Throws `EXPRESSION` for what cannot be a name, and `WAREHOUSE_FAILED`.
 */
export const targetsByName = async (
  names: readonly string[],
  warehouses: readonly Warehouse[],
  io: Abortable,
): Promise<NamedTargets> => {
  io.signal.throwIfAborted()
  const lookup = openLookup(warehouses, io)
  const nodes = await lookup.hosts(names.map(parseNodeName))
  const targets = nodes.flatMap(node => dedup({ selection: { kind: 'nodes', nodes: [node] }, groups: new Map() }))
  return { targets, notices: lookup.notices() }
}
