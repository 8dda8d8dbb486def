/** Which signed requests were made before: each counts once, whichever server it comes to. */
import type { Database } from './database.ts'
import { sql } from './sql.ts'
import type { Store } from './store.ts'

export const nonces = (database: Database): Pick<Store, 'useNonce' | 'forgetNonces'> => ({
  async useNonce(nonce, expires) {
    const { insertNew } = database.dialect
    return (await database.run(sql`${insertNew} INTO nonces (nonce, expires) VALUES (${nonce}, ${expires})`)) === 1
  },
  async forgetNonces(now) {
    await database.run(sql`DELETE FROM nonces WHERE expires < ${now}`)
  },
})
