/** A step from one shape of the tables to the next. There is no way back: an older program refuses the database. */
import type { Dialect } from '../database.ts'
import type { Sql } from '../sql.ts'

export interface Migration {
  /** Which version the tables have after it; every version has one, and none is changed once it was released. */
  readonly version: number
  /** What it does, for whoever waits for it. */
  readonly title: string
  /**
   * In this order. Each such that doing it twice is as doing it once, because MySQL keeps what was done when the rest fails. And
   * such that servers of the version before can go on until they are replaced: they share the database.
   */
  readonly statements: (dialect: Dialect) => readonly Sql[]
}
