/** Brings a database's tables from whatever version they have to this program's, one version after the other. */
import type { Abortable } from '../../../base/abortable.ts'
import { StokerError } from '../../../base/errors.ts'
import type { Database, Queries } from '../database.ts'
import { number } from '../rows.ts'
import { sql } from '../sql.ts'
import type { Migration } from './migration.ts'
import { version1 } from './version-1.ts'
import { version2 } from './version-2.ts'

/** Every version there was, in order. */
export const MIGRATIONS: readonly Migration[] = [version1, version2]

export interface MigrateOptions extends Abortable {
  /** What takes its time, for people. */
  readonly say: (line: string) => void
}

/**
 * Several servers may do so at once on one MySQL database; whoever is killed in the middle leaves a database which the next start
 * brings to its end. Nothing is written to one which is up to date. Throws `STORE_FAILED`, also for a newer version than is known.
 */
export const migrate = async (
  database: Database,
  { signal = new AbortController().signal, say = () => {} }: Partial<MigrateOptions> = {},
): Promise<void> => {
  const before = await versionOf(database)
  for (const migration of MIGRATIONS.filter(({ version }) => version > before)) {
    signal.throwIfAborted()
    const waiting = () => say('another server changes the tables of the database; waiting for it')
    await database.changeTables(inside => bringTo(migration, inside, signal, say), { signal }, waiting)
  }
}

const bringTo = async (
  { version, title, statements }: Migration,
  inside: Queries,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> => {
  // Another server may have been faster.
  const before = await versionOf(inside)
  if (before >= version) return
  if (before > 0) say(`database: from version ${before} to ${version}: ${title}`)
  for (const statement of statements(inside.dialect)) {
    signal.throwIfAborted()
    await inside.run(statement)
  }
  await inside.run(sql`CREATE TABLE IF NOT EXISTS about (name VARCHAR(64) NOT NULL PRIMARY KEY, value BIGINT NOT NULL)
    ${inside.dialect.table}`)
  await inside.run(sql`${inside.dialect.insertNew} INTO about (name, value) VALUES ('schema', ${version})`)
  // Last: until this is written, everything is done again.
  await inside.run(sql`UPDATE about SET value = ${version} WHERE name = 'schema' AND value < ${version}`)
}

/** 0: the tables are not there, or not all of them. Throws when it is newer than this program. */
const versionOf = async (inside: Queries): Promise<number> => {
  const [marked] = await inside.all(inside.dialect.findTable('about'))
  const [row] = marked ? await inside.all(sql`SELECT value FROM about WHERE name = 'schema'`) : []
  const version = row ? number(row, 'value') : 0
  const newest = MIGRATIONS.at(-1)?.version ?? 0
  if (version <= newest) return version
  throw new StokerError(
    'STORE_FAILED',
    'schema',
    `the database is of version ${version}, and this program knows version ${newest}; use the pulley which made it, or a newer one`,
  )
}
