/** The store's database in one file: SQLite in WAL mode, synced at every commit. Needs no set-up. */
import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { StokerError } from '../../base/errors.ts'
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
  const { inTurn, end } = turns(database, path)
  return {
    dialect: SQLITE,
    all: (sql, values) => inTurn(() => direct.all(sql, values)),
    run: (sql, values) => inTurn(() => direct.run(sql, values)),
    transaction: work => inTurn(() => work(direct)),
    async [Symbol.asyncDispose]() {
      await end()
      if (database.isOpen) database.close()
    },
  }
}

/** Whatever is asked while the event loop turns once is done together, up to so much. */
const TOGETHER = 500

interface Task {
  work(): Promise<unknown>
  resolve(value: unknown): void
  reject(reason: unknown): void
}

/**
 * There is one connection: one task comes after the other, each all or nothing. Many share a commit, because that is what
 * waits for the disk; none is answered before it is there.
 */
const turns = (database: DatabaseSync, path: string) => {
  let waiting: Task[] = []
  let running: Promise<void> | undefined

  const together = async (tasks: readonly Task[]): Promise<void> => {
    const ends: (() => void)[] = []
    try {
      attempt(path, () => database.exec('BEGIN IMMEDIATE'))
      for (const { work, resolve, reject } of tasks) {
        database.exec('SAVEPOINT task')
        try {
          const result = await work()
          database.exec('RELEASE task')
          ends.push(() => resolve(result))
        } catch (thrown) {
          // A full disk ends the whole transaction by itself, and with it what the others did.
          if (!database.isTransaction) throw thrown
          database.exec('ROLLBACK TO task; RELEASE task')
          ends.push(() => reject(thrown))
        }
      }
      attempt(path, () => database.exec('COMMIT'))
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK')
      for (const { reject } of tasks) reject(thrown)
      return
    }
    for (const end of ends) end()
  }

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      await setImmediate()
      const tasks = waiting.slice(0, TOGETHER)
      waiting = waiting.slice(TOGETHER)
      await together(tasks)
    }
    running = undefined
  }

  return {
    inTurn: <T>(work: () => Promise<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as Task['resolve'], reject })
        running ??= run()
      }),
    /** When everything that was asked has been done. */
    end: async () => await running,
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
