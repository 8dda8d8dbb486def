/** The store's database on a MySQL or MariaDB server, which several pulley servers may share. */
import { createPool, type Pool, type PoolConnection, type ResultSetHeader } from 'mysql2/promise'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Database, Dialect, Queries, Row } from './database.ts'
import { lockTables, unlockTables } from './mysql-lock.ts'
import { sql } from './sql.ts'

export interface MysqlServer {
  readonly host: string
  readonly port: number
  /** Path of a Unix socket; wins over host and port. */
  readonly socket: string | undefined
  readonly user: string
  readonly password: string
  readonly database: string
  /** Certificate of the server's CA, PEM; `undefined`: no TLS. */
  readonly ca: string | undefined
}

/** Opens a pool of connections; the database has to be there. Throws `STORE_FAILED` at the first question when it cannot be reached. */
export const openMysql = (server: MysqlServer): Database => {
  const address = server.socket ?? `${server.host}:${server.port}`
  const pool: Pool = createPool({
    ...(server.socket === undefined ? { host: server.host, port: server.port } : { socketPath: server.socket }),
    ...(server.ca !== undefined && { ssl: { ca: server.ca } }),
    user: server.user,
    password: server.password,
    database: server.database,
    charset: 'utf8mb4',
    connectionLimit: 8,
    connectTimeout: 10_000,
    multipleStatements: false,
  })
  const queriesOn = (connection: Pool | PoolConnection, timeout = STATEMENT_TIMEOUT_MS): Queries => ({
    dialect: MYSQL,
    async all({ text, values }) {
      const [rows] = await connection.query({ sql: text, values: [...values], timeout })
      return rows as unknown as readonly Row[]
    },
    async run({ text, values }) {
      const [result] = await connection.query({ sql: text, values: [...values], timeout })
      return (result as ResultSetHeader).affectedRows
    },
  })
  const direct = queriesOn(pool)
  const wrapErrors = async <T>(work: () => Promise<T>, io?: Abortable): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof StokerError || io?.signal.aborted) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new StokerError(
        'STORE_FAILED',
        address,
        `the database ${server.database} at ${address} cannot be used: ${why}`,
        { cause },
      )
    }
  }
  return {
    dialect: MYSQL,
    all: statement => wrapErrors(() => direct.all(statement)),
    run: statement => wrapErrors(() => direct.run(statement)),
    transaction: work =>
      wrapErrors(async () => {
        for (let tries = 1; ; tries++) {
          const connection = await pool.getConnection()
          try {
            await connection.beginTransaction()
            const result = await work(queriesOn(connection))
            await connection.commit()
            connection.release()
            return result
          } catch (thrown) {
            // It is not known what state it is in; a new one is cheap.
            connection.destroy()
            if (tries === MAX_TRIES || !isDeadlock(thrown)) throw thrown
          }
        }
      }),
    changeTables: (work, io, waiting) =>
      wrapErrors(async () => {
        const connection = await pool.getConnection()
        try {
          const queries = queriesOn(connection, NO_TIMEOUT)
          await lockTables(queries, server.database, io, waiting)
          const result = await work({ ...queries, run: statement => orDone(queries.run(statement)) })
          await unlockTables(queries, server.database)
          connection.release()
          return result
        } catch (thrown) {
          // With the connection goes the lock.
          connection.destroy()
          throw thrown
        }
      }, io),
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

/** Milliseconds for one statement. */
const STATEMENT_TIMEOUT_MS = 30_000
/** Large tables are not indexed in seconds. */
const NO_TIMEOUT = 0
/** Two servers which want the same rows in another order: one of them is told to begin again. */
const MAX_TRIES = 8

const isDeadlock = (thrown: unknown): boolean =>
  thrown instanceof Error && 'errno' in thrown && (thrown.errno === 1213 || thrown.errno === 1205)

/** What a statement would have made is there (tables, columns, indexes), or what it would have taken away is not. */
const DONE_ALREADY: readonly unknown[] = [1050, 1051, 1060, 1061, 1091]

const orDone = (running: Promise<number>): Promise<number> =>
  running.catch(thrown => {
    if (thrown instanceof Error && 'errno' in thrown && DONE_ALREADY.includes(thrown.errno)) return 0
    throw thrown
  })

const MYSQL: Dialect = {
  insertNew: sql`INSERT IGNORE`,
  forUpdate: sql` FOR UPDATE`,
  bytes: sql`LONGBLOB`,
  text: sql`LONGTEXT`,
  table: sql` ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  findTable: name =>
    sql`SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ${name}`,
}
