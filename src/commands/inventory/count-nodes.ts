/** How many machines a group is, as a run would count them. */
import type { Abortable } from '../abortable.ts'
import { dedup } from '../dedup.ts'
import { type StokerError, toStokerError } from '../errors.ts'
import type { GroupName } from '../names.ts'
import { resolve } from '../resolve.ts'
import type { Warehouse } from '../warehouse.ts'

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
