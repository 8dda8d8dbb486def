/** Which warehouses get a copy of their answers, and of how much. */
import { resolve } from 'node:path'
import { homeFolder } from '../base/folders.ts'
import type { Config, WarehouseEntry } from '../config/config.ts'
import { cached } from '../inventory/cache/cached.ts'
import type { Held } from '../inventory/cache/copy.ts'
import { copyPath } from '../inventory/cache/copy-path.ts'
import type { Warehouse } from '../inventory/warehouse.ts'

export interface CopySettings {
  readonly config: Config
  /** Whether no answers which were kept may be used. */
  readonly fresh: boolean
  readonly notice: (text: string) => void
}

/** A week, and over a long weekend. */
const KEEP_MS = 7 * 86_400_000

/** The warehouse, with a copy of its answers where the kind or the configuration wants one. Does no I/O. */
export const withCopy = (
  warehouse: Warehouse,
  { kind, name, options, cache, keep }: WarehouseEntry,
  { config, fresh, notice }: CopySettings,
): Warehouse => {
  const holding = kind.kind === 'name' ? COPIED[kind.name] : undefined
  if (!holding && cache === undefined && keep === undefined) return warehouse
  const place = { env: process.env, home: homeFolder(), config: resolve(config.source?.file ?? config.folder) }
  const file = copyPath(name, kind.kind === 'path' ? kind.path : kind.name, options, place)
  return cached(warehouse, { file, ttl: cache ?? 0, keep: keep ?? KEEP_MS, fresh, held: holding?.(options), notice })
}

/** Kinds whose sources are remote or costly, and what of their groups they hold in memory after the first answer. */
const COPIED: Readonly<Record<string, (options: WarehouseEntry['options']) => Held | undefined>> = {
  // A group which is a filter is searched for when it is asked for.
  ldap: ({ filters }) => ({ members: group => valueAt(filters, group) === undefined, attributeQueries: false }),
  // With a placeholder, members are asked for group by group.
  mysql: ({ sql }) => ({ members: () => !String(valueAt(sql, 'members')).includes('?'), attributeQueries: true }),
  exec: ({ format }) => (format === 'ansible' ? { members: () => true, attributeQueries: true } : undefined),
  clustershell: () => undefined,
}

const valueAt = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined
