/** The store's database in one file: SQLite in WAL mode, synced at every commit. Needs no set-up. */
import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StokerError } from '../../errors.ts'
import type { Database, Dialect, Row, Value } from './database.ts'

/** Opens the file, or makes it, for its owner only. Throws `STORE_FAILED`. */
export const openSqlite = (path: string): Database => {
  const database = attempt(path, () => {
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    const opened = new DatabaseSync(path, { timeout: 10_000 })
    opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    return opened
  })
  // Statements are parsed once. There is a fixed number of them.
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  const statement = (sql: string) => {
    const known = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, known)
    return known
  }
  const direct = {
    dialect: SQLITE,
    all: async (sql: string, values: readonly Value[] = []) =>
      attempt(path, () => statement(sql).all(...values)) as readonly Row[],
    run: async (sql: string, values: readonly Value[] = []) =>
      attempt(path, () => Number(statement(sql).run(...values).changes)),
  }
  // There is one connection: whoever comes while a transaction is open waits for its end.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
  return {
    dialect: SQLITE,
    all: (sql, values) => inTurn(() => direct.all(sql, values)),
    run: (sql, values) => inTurn(() => direct.run(sql, values)),
    transaction: work =>
      inTurn(async () => {
        await direct.run('BEGIN IMMEDIATE')
        try {
          const result = await work(direct)
          await direct.run('COMMIT')
          return result
        } catch (thrown) {
          // A commit which failed may have ended the transaction itself.
          if (database.isTransaction) await direct.run('ROLLBACK')
          throw thrown
        }
      }),
    async [Symbol.asyncDispose]() {
      await last
      if (database.isOpen) database.close()
    },
  }
}

const SQLITE: Dialect = {
  insertNew: 'INSERT OR IGNORE',
  forUpdate: '',
  bytes: 'BLOB',
  text: 'TEXT',
  table: '',
}

const attempt = <T>(path: string, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StokerError('STORE_FAILED', path, `the database ${path} cannot be used: ${why}`, { cause })
  }
}
