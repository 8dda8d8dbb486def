/** The little of SQL which SQLite and MySQL share, so that the store is written once. */

export type Value = string | number | null | Uint8Array

export type Row = Readonly<Record<string, Value>>

export interface Database extends AsyncDisposable {
  readonly dialect: Dialect
  all(sql: string, values?: readonly Value[]): Promise<readonly Row[]>
  /** How many rows were changed. */
  run(sql: string, values?: readonly Value[]): Promise<number>
  /** All or nothing, on disk when it has ended. The work uses only what it is given, and may be done again after a deadlock. */
  transaction<T>(work: (inside: Pick<Database, 'all' | 'run' | 'dialect'>) => Promise<T>): Promise<T>
}

export interface Dialect {
  /** Begins an INSERT which leaves a row alone that is there already, and then counts 0. */
  readonly insertNew: string
  /** Ends a SELECT whose rows nobody else may change before the transaction ends. */
  readonly forUpdate: string
  readonly bytes: string
  /** Long text, compared byte for byte. */
  readonly text: string
  /** Ends a CREATE TABLE. */
  readonly table: string
}
