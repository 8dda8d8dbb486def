/** The groups which the warehouses can list, as data: for `stoker groups`, and whoever else shows them. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { GroupName } from '../../base/names.ts'
import type { Warehouse } from '../../inventory/warehouse.ts'
import { globMatcher } from '../../nodeset/match.ts'
import { countNodes } from './count-nodes.ts'
import { listGroups } from './memberships.ts'

export interface ListedGroup {
  readonly warehouse: string
  readonly group: GroupName
  /** How many machines it is, where that was asked for; an error where nobody could act on it. */
  readonly nodes?: number | StokerError
}

export interface GroupListOptions extends Abortable {
  /** `web*`, `@web*`, or `@ldap:web*` for one warehouse; absent: all. */
  readonly pattern?: string | undefined
  /** Count the nodes of each. */
  readonly count: boolean
}

/**
 * The groups which match, warehouse by warehouse in the order of the configuration, each as soon as it is known. Throws
 * `UNKNOWN_NAME` for a warehouse which is not there, `WAREHOUSE_FAILED` where none can list its groups.
 */
export async function* groupList(
  warehouses: readonly Warehouse[],
  { pattern, count, signal }: GroupListOptions,
): AsyncGenerator<ListedGroup, void, void> {
  const { from, matches } = parsePattern(pattern)
  const names = warehouses.map(one => one.name).join(', ')
  const selected = warehouses.filter(one => from === undefined || one.name === from)
  if (selected.length === 0)
    throw new StokerError('UNKNOWN_NAME', from ?? '', `no warehouse is called ${from}; there is: ${names}`)
  const lists = await listGroups(selected, { signal })
  if (lists.size === 0)
    throw new StokerError(
      'WAREHOUSE_FAILED',
      'groups',
      `${from ?? 'no warehouse'} can${from ? 'not' : ''} list groups (there is: ${names})`,
    )
  for (const [{ name: warehouse }, list] of lists)
    for (const group of list.filter(matches)) {
      if (!count) yield { warehouse, group }
      else yield { warehouse, group, nodes: await countNodes(group, warehouse, warehouses, { signal }) }
    }
}

const parsePattern = (pattern = '*') => {
  const [, from, glob = pattern.replace(/^@/, '')] = /^@([^:]+):(.*)$/s.exec(pattern) ?? []
  return { from, matches: globMatcher(glob) }
}
