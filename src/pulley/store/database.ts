/** The little of a database of SQL which SQLite and MySQL share, so that the store is written once. */
import type { Abortable } from '../../base/abortable.ts'
import type { Sql, Value } from './sql.ts'

export type Row = Readonly<Record<string, Value>>

/** What can be asked, within a transaction or without one. */
export interface Queries {
  readonly dialect: Dialect
  all(statement: Sql): Promise<readonly Row[]>
  /** How many rows were changed. */
  run(statement: Sql): Promise<number>
}

export interface Database extends Queries, AsyncDisposable {
  /** All or nothing, on disk when it has ended. The work uses only what it is given, and may be done again after a deadlock. */
  transaction<T>(work: (inside: Queries) => Promise<T>): Promise<T>
  /**
   * Changes tables while nobody else does, for however long that takes. SQLite does it in a transaction. MySQL cannot: what was
   * done stays when the rest fails, so the work has to be such that it can be done again, and `run` leaves out a table, column or
   * index which is there (or gone) already. Waits for whoever is at it: `waiting` is called once when that takes long.
   */
  changeTables<T>(work: (inside: Queries) => Promise<T>, io: Abortable, waiting: () => void): Promise<T>
}

/** Parts of statements which differ. */
export interface Dialect {
  /** Begins an INSERT which leaves a row alone that is there already, and then counts 0. */
  readonly insertNew: Sql
  /** Ends a SELECT whose rows nobody else may change before the transaction ends. */
  readonly forUpdate: Sql
  readonly bytes: Sql
  /** Long text, compared byte for byte. */
  readonly text: Sql
  /** Ends a CREATE TABLE. */
  readonly table: Sql
  /** A SELECT of one row if there is such a table, and of none if not. */
  readonly findTable: (name: string) => Sql
}
