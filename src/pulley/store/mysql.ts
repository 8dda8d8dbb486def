/** The store's database on a MySQL or MariaDB server, which several pulley servers may share. */
import { createPool, type Pool, type PoolConnection, type ResultSetHeader } from 'mysql2/promise'
import { StokerError } from '../../base/errors.ts'
import type { Database, Dialect, Row, Value } from './database.ts'

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
  const place = server.socket ?? `${server.host}:${server.port}`
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
  const on = (connection: Pool | PoolConnection) => ({
    dialect: MYSQL,
    async all(sql: string, values: readonly Value[] = []) {
      const [rows] = await connection.query({ sql, values: [...values], timeout: QUESTION_MS })
      return rows as unknown as readonly Row[]
    },
    async run(sql: string, values: readonly Value[] = []) {
      const [result] = await connection.query({ sql, values: [...values], timeout: QUESTION_MS })
      return (result as ResultSetHeader).affectedRows
    },
  })
  const direct = on(pool)
  const failing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof StokerError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new StokerError(
        'STORE_FAILED',
        place,
        `the database ${server.database} at ${place} cannot be used: ${why}`,
        { cause },
      )
    }
  }
  return {
    dialect: MYSQL,
    all: (sql, values) => failing(() => direct.all(sql, values)),
    run: (sql, values) => failing(() => direct.run(sql, values)),
    transaction: work =>
      failing(async () => {
        for (let tries = 1; ; tries++) {
          const connection = await pool.getConnection()
          try {
            await connection.beginTransaction()
            const result = await work(on(connection))
            await connection.commit()
            connection.release()
            return result
          } catch (thrown) {
            // It is not known what state it is in; a new one is cheap.
            connection.destroy()
            if (tries === TRIES || !isDeadlock(thrown)) throw thrown
          }
        }
      }),
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

/** Milliseconds for one statement. */
const QUESTION_MS = 30_000
/** Two servers which want the same rows in another order: one of them is told to begin again. */
const TRIES = 8

const isDeadlock = (thrown: unknown): boolean =>
  thrown instanceof Error && 'errno' in thrown && (thrown.errno === 1213 || thrown.errno === 1205)

const MYSQL: Dialect = {
  insertNew: 'INSERT IGNORE',
  forUpdate: ' FOR UPDATE',
  bytes: 'LONGBLOB',
  text: 'LONGTEXT',
  table: ' ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
}
