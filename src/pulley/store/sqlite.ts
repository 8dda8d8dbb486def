/** The store's database in one file: SQLite in WAL mode, synced at every commit. Needs no set-up. */
import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { StokerError } from '../../base/errors.ts'
import type { Database, Dialect, Queries, Row } from './database.ts'
import { NOTHING, type Sql, sql } from './sql.ts'

/** Opens the file, or makes it, for its owner only. Throws `STORE_FAILED`. */
export const openSqlite = (path: string): Database => {
  const database = wrapErrors(path, () => {
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    const opened = new DatabaseSync(path, { timeout: 10_000 })
    opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    return opened
  })
  // Statements are parsed once. There is a fixed number of them.
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  const prepared = ({ text }: Sql) => {
    const statement = statements.get(text) ?? database.prepare(text)
    statements.set(text, statement)
    return statement
  }
  const direct: Queries = {
    dialect: SQLITE,
    all: async query => wrapErrors(path, () => prepared(query).all(...query.values)) as readonly Row[],
    run: async query => wrapErrors(path, () => Number(prepared(query).run(...query.values).changes)),
  }
  const { inTurn, end } = groupCommit(database, path)
  return {
    dialect: SQLITE,
    all: query => inTurn(() => direct.all(query)),
    run: query => inTurn(() => direct.run(query)),
    transaction: work => inTurn(() => work(direct)),
    changeTables: work => inTurn(() => work(direct)),
    async [Symbol.asyncDispose]() {
      await end()
      if (database.isOpen) database.close()
    },
  }
}

/** Whatever is asked while the event loop turns once is done together, up to so much. */
const MAX_PER_COMMIT = 500

interface Task {
  work(): Promise<unknown>
  resolve(value: unknown): void
  reject(reason: unknown): void
}

/**
 * There is one connection: one task comes after the other, each all or nothing. Many share a commit, because that is what
 * waits for the disk; none is answered before it is there.
 */
const groupCommit = (database: DatabaseSync, path: string) => {
  let waiting: Task[] = []
  let running: Promise<void> | undefined

  const commitTogether = async (tasks: readonly Task[]): Promise<void> => {
    const ends: (() => void)[] = []
    try {
      wrapErrors(path, () => database.exec('BEGIN IMMEDIATE'))
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
      wrapErrors(path, () => database.exec('COMMIT'))
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
      const tasks = waiting.slice(0, MAX_PER_COMMIT)
      waiting = waiting.slice(MAX_PER_COMMIT)
      await commitTogether(tasks)
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
  insertNew: sql`INSERT OR IGNORE`,
  forUpdate: NOTHING,
  bytes: sql`BLOB`,
  text: sql`TEXT`,
  table: NOTHING,
  findTable: name => sql`SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ${name}`,
}

const wrapErrors = <T>(path: string, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StokerError('STORE_FAILED', path, `the database ${path} cannot be used: ${why}`, { cause })
  }
}
