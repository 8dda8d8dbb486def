/** One server at a time changes the tables of a MySQL database: a lock by name, which ends with the connection that has it. */
import { createHash } from 'node:crypto'
import type { Abortable } from '../../base/abortable.ts'
import type { Queries } from './database.ts'
import { sql } from './sql.ts'

/** Seconds for which one statement waits; between two of them the signal is looked at. */
const WAIT_SECONDS = 1

/** The name of the lock, which is one for all databases of a MySQL server, and may have 64 characters. */
export const tablesLockName = (database: string): string =>
  `pulley tables ${createHash('sha256').update(database).digest('hex').slice(0, 32)}`

/**
 * Takes the lock on this connection; `waiting` is called once when another has it. Clusters refuse such locks or have one on each
 * of their servers (Percona XtraDB, MariaDB Galera): there nobody is kept out, and what is done has to bear that.
 */
export const lockTables = async (
  connection: Pick<Queries, 'all'>,
  database: string,
  { signal }: Abortable,
  waiting: () => void,
): Promise<void> => {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted()
    if (tries === 1) waiting()
    const query = sql`SELECT GET_LOCK(${tablesLockName(database)}, ${WAIT_SECONDS}) AS taken`
    const [row] = await connection.all(query).catch(thrown => {
      if (isRefusal(thrown)) return [{ taken: 1 }]
      throw thrown
    })
    if (row?.taken === 1) return
  }
}

export const unlockTables = async (connection: Pick<Queries, 'all'>, database: string): Promise<void> => {
  await connection.all(sql`SELECT RELEASE_LOCK(${tablesLockName(database)})`).catch(thrown => {
    if (!isRefusal(thrown)) throw thrown
  })
}

/** Percona XtraDB Cluster in its strict mode (1105), MariaDB 10.6.13 and 10.11.3 with Galera (ER_NOT_SUPPORTED_YET). */
const isRefusal = (thrown: unknown): boolean =>
  thrown instanceof Error && 'errno' in thrown && (thrown.errno === 1105 || thrown.errno === 1235)
