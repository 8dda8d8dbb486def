/** One MySQL server, asked within a deadline. Nothing else here knows the driver. */

import { connect, type Socket } from 'node:net'
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2'
import type { Abortable } from '../../src/base/abortable.ts'
import { stopwatch } from '../../src/base/stopwatch.ts'
import { readOptionFile, readSecret } from '../common/secret-file.ts'
import { failure } from './failure.ts'
import type { Settings, TlsSettings } from './settings.ts'

/** Rows, with a value for each column. */
export interface Answer {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly unknown[])[]
}

export interface Column {
  /** Its alias, where it has one. */
  readonly name: string
  /** The alias of the table which it comes from; empty where it is computed. */
  readonly table: string
}

/** An open connection. */
export interface Session {
  /** One round trip. The text is ours or the configuration's; nothing is pasted into it. */
  query(sql: string): Promise<Answer>
  /** As a prepared statement, with a value for each `?`: the first time on a connection two round trips, then one. */
  execute(sql: string, values: readonly string[]): Promise<Answer>
}

export interface Database extends AsyncDisposable {
  /**
   * Does some work on a connection, all within the deadline, connecting included. `purpose` says what is asked for, in the
   * message of a failure: `WAREHOUSE_FAILED`, or `CONFIG` for a file that cannot be used. An abort ends it at once.
   */
  ask<T>(purpose: string, io: Abortable, work: (session: Session) => Promise<T>): Promise<T>
}

const CONNECTIONS = 4

/** Does nothing before the first question. */
export const database = (settings: Settings): Database => {
  const sockets = new Set<Socket>()
  let pool: Promise<Pool> | undefined

  const open = async (io: Abortable): Promise<Pool> => {
    pool ??= createdPool(settings, sockets, io).catch(error => {
      pool = undefined
      throw error
    })
    return await pool
  }

  return {
    async ask(purpose, { signal: given }, work) {
      given.throwIfAborted()
      using late = stopwatch(settings.deadline)
      const signal = AbortSignal.any([given, late.signal])
      try {
        const connection = await acquire(await open({ signal }), signal)
        try {
          return await work(sessionOn(connection, signal))
        } finally {
          connection.release()
        }
      } catch (thrown) {
        throw given.aborted ? given.reason : failure(settings, purpose, thrown)
      }
    },
    async [Symbol.asyncDispose]() {
      const opened = pool
      pool = undefined
      // Where it did not even open there is nothing to close.
      await opened?.then(goodbye, () => {})
      for (const socket of sockets) socket.destroy()
    },
  }
}

const createdPool = async (settings: Settings, sockets: Set<Socket>, io: Abortable): Promise<Pool> => {
  const { endpoint, tls, passwordFile, warehouse } = settings
  const password = passwordFile && (await readSecret(passwordFile, 'password-file', warehouse, io))
  const ssl = tls && (await sslOf(tls, warehouse, io))
  const pool = createPool({
    // The stream below knows where to connect to: here, host is the name which the certificate is checked against.
    ...('socket' in endpoint
      ? { socketPath: endpoint.socket }
      : { host: tls?.servername ?? endpoint.host, port: endpoint.port }),
    ...(ssl && { ssl }),
    ...(password && { password: password.replace(/\r?\n$/, '') }),
    user: settings.user,
    database: settings.database,
    stream: () => {
      const socket = 'socket' in endpoint ? connect(endpoint.socket) : connect(endpoint.port, endpoint.host)
      socket.setNoDelay(true)
      sockets.add(socket)
      return socket.once('close', () => sockets.delete(socket))
    },
    connectTimeout: settings.deadline,
    connectionLimit: CONNECTIONS,
    // What comes from the server is text: no code is made from it, no file is sent because it asks for one.
    disableEval: true,
    flags: ['-LOCAL_FILES'],
    rowsAsArray: true,
    dateStrings: true,
    jsonStrings: true,
    supportBigNumbers: true,
    charset: 'utf8mb4_bin',
  })
  // Whoever waits for an answer is told by the answer's callback; without a listener the process would end.
  pool.on('connection', connection => connection.on('error', () => {}))
  return pool
}

const sslOf = async (tls: TlsSettings, warehouse: string, io: Abortable): Promise<PoolOptions['ssl']> => {
  const { ca, cert, key } = tls
  return {
    ...(ca !== undefined && { ca: await readOptionFile(ca, 'tls.ca', warehouse, io) }),
    ...(cert !== undefined && { cert: await readOptionFile(cert, 'tls.cert', warehouse, io) }),
    ...(key !== undefined && { key: await readSecret(key, 'tls.key', warehouse, io) }),
    rejectUnauthorized: true,
    verifyIdentity: true,
  }
}

const acquire = (pool: Pool, signal: AbortSignal): Promise<PoolConnection> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    pool.getConnection((error, connection) => {
      signal.removeEventListener('abort', abort)
      if (error) reject(error)
      else if (signal.aborted) connection.release()
      else resolve(connection)
    })
  })

const sessionOn = (connection: PoolConnection, signal: AbortSignal): Session => {
  const answered = (start: (done: (error: unknown, rows: unknown, fields: unknown) => void) => void) =>
    new Promise<Answer>((resolve, reject) => {
      signal.throwIfAborted()
      // The server may go on with the query for a while; it notices when it wants to send.
      const abort = () => {
        connection.destroy()
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      start((error, rows, fields) => {
        signal.removeEventListener('abort', abort)
        if (error) reject(error)
        else resolve(answerOf(rows, fields))
      })
    })
  return {
    query: sql => answered(done => connection.query(sql, done)),
    execute: (sql, values) => answered(done => connection.execute(sql, [...values], done)),
  }
}

/** With `rowsAsArray`, a SELECT gives a list of rows and a list of columns; other statements give neither. */
const answerOf = (rows: unknown, fields: unknown): Answer => {
  if (!Array.isArray(rows) || !Array.isArray(fields)) return { columns: [], rows: [] }
  return { columns: fields.map(({ name, table }) => ({ name: String(name), table: String(table ?? '') })), rows }
}

/** Tells the server that we go. It does not answer to that; one which still owes an answer is not waited for long. */
const goodbye = (pool: Pool): Promise<void> =>
  new Promise(resolve => {
    const timer = setTimeout(resolve, 200)
    pool.end(() => {
      clearTimeout(timer)
      resolve()
    })
  })
