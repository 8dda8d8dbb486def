/** From what is typed to the machines which are meant: parse, resolve, dedup. */
import type { Abortable } from '../../base/abortable.ts'
import { dedup } from '../../inventory/dedup.ts'
import { exclude } from '../../inventory/exclude.ts'
import { readList } from '../../inventory/read-list.ts'
import { resolve } from '../../inventory/resolve.ts'
import type { Target } from '../../inventory/target.ts'
import type { Warehouse } from '../../inventory/warehouse.ts'
import { parseExpression } from '../../nodeset/syntax/parse.ts'

/** The options which every command with targets has. */
export interface TargetFlags {
  /** `-x`, as typed. */
  readonly exclude: readonly string[]
  readonly allowUnknown?: boolean
}

/** The machines, each once. Notices go to `notify`. Throws a `StokerError` for what cannot be parsed or resolved. */
export const targetsOf = async (
  text: string,
  flags: TargetFlags,
  warehouses: readonly Warehouse[],
  notify: (notice: string) => void,
  io: Abortable,
): Promise<readonly Target[]> => {
  const expression = exclude(parseExpression(text), flags.exclude.map(parseExpression))
  const resolution = await resolve(expression, warehouses, {
    ...io,
    allowUnknown: flags.allowUnknown === true,
    readList,
  })
  for (const notice of resolution.notices) notify(notice)
  const targets = dedup(resolution)
  if (targets.length === 0) notify(`no targets: ${text} has no members left`)
  return targets
}
