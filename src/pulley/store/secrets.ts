/** Secrets which all servers of one store share. */
import type { Database } from './database.ts'
import { text } from './rows.ts'
import { sql } from './sql.ts'
import type { Store } from './store.ts'

export const secrets = (database: Database): Pick<Store, 'sharedSecret'> => ({
  sharedSecret: (name, fresh) =>
    database.transaction(async inside => {
      await inside.run(sql`${inside.dialect.insertNew} INTO secrets (name, value) VALUES (${name}, ${fresh()})`)
      const [row] = await inside.all(sql`SELECT value FROM secrets WHERE name = ${name}`)
      return text(row ?? {}, 'value')
    }),
})
