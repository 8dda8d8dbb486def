/** The store over a database of SQL: the same code for SQLite and MySQL. */
import { actions } from './actions.ts'
import { bundles } from './bundles.ts'
import type { Database } from './database.ts'
import { enrolment } from './enrolment.ts'
import { type MigrateOptions, migrate } from './migrations/migrate.ts'
import { nodes } from './nodes.ts'
import { nonces } from './nonces.ts'
import { reports } from './reports.ts'
import { retention } from './retention.ts'
import { secrets } from './secrets.ts'
import type { Store } from './store.ts'
import { tokens } from './tokens.ts'
import { vos } from './vos.ts'

/** Brings the tables up to this program's version. The store owns the database and closes it. Throws `STORE_FAILED`. */
export const openStore = async (database: Database, options: Partial<MigrateOptions> = {}): Promise<Store> => {
  await using stack = new AsyncDisposableStack()
  stack.use(database)
  await migrate(database, options)
  const owned = stack.move()
  return {
    ...secrets(database),
    ...nonces(database),
    ...vos(database),
    ...tokens(database),
    ...enrolment(database),
    ...nodes(database),
    ...bundles(database),
    ...actions(database),
    ...reports(database),
    ...retention(database),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
