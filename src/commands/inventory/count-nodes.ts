/** How many machines a group is, as a run would count them. */
import type { Abortable } from '../../base/abortable.ts'
import { type StokerError, toStokerError } from '../../base/errors.ts'
import type { GroupName } from '../../base/names.ts'
import { dedup } from '../../inventory/dedup.ts'
import { resolve } from '../../inventory/resolve.ts'
import type { Warehouse } from '../../inventory/warehouse.ts'

/** The number, or why nobody could act on that group: it contains itself, or a name which nobody knows. */
export const countNodes = async (
  group: GroupName,
  warehouse: string,
  warehouses: readonly Warehouse[],
  io: Abortable,
): Promise<number | StokerError> => {
  const text = `@${warehouse}:${group}`
  try {
    return dedup(await resolve({ kind: 'group', text, warehouse, name: group }, warehouses, io)).length
  } catch (thrown) {
    io.signal.throwIfAborted()
    return toStokerError(thrown, text)
  }
}
