/** What is forgotten, and when: in steps, so that nobody waits long for a database which forgets much at once. */
import type { Database } from './database.ts'
import { number, text } from './rows.ts'
import { sql } from './sql.ts'
import type { Store } from './store.ts'

/** Rows which go in one transaction. */
const STEP = 500

export const retention = (database: Database): Pick<Store, 'prune'> => ({
  async prune(before, now) {
    await expireActions(database, now)
    while (await forgetReports(database, before));
    while (await forgetActions(database, before));
  },
})

/** By VO, because an index helps to find them so. */
const expireActions = async (database: Database, now: number): Promise<void> => {
  for (const row of await database.all(sql`SELECT name FROM vos`)) {
    const vo = text(row, 'name')
    await database.transaction(inside =>
      inside.run(sql`UPDATE actions SET state = 'expired', finished = ${now}
        WHERE vo = ${vo} AND state IN ('queued', 'fetched') AND expires <= ${now}`),
    )
  }
}

/** Whether there may be more. */
const forgetReports = (database: Database, before: number): Promise<boolean> =>
  database.transaction(async inside => {
    const [last] = await inside.all(
      sql`SELECT received FROM reports WHERE received < ${before} ORDER BY received LIMIT 1 OFFSET ${STEP - 1}`,
    )
    // A few more than the step's, where several came in the same millisecond.
    await inside.run(sql`DELETE FROM reports WHERE received < ${last ? number(last, 'received') + 1 : before}`)
    return last !== undefined
  })

/** Whether there may be more. */
const forgetActions = (database: Database, before: number): Promise<boolean> =>
  database.transaction(async inside => {
    const { forUpdate } = inside.dialect
    const rows = await inside.all(
      sql`SELECT id FROM actions WHERE finished < ${before} ORDER BY finished LIMIT ${STEP}${forUpdate}`,
    )
    for (const row of rows) {
      const id = text(row, 'id')
      await inside.run(sql`DELETE FROM outputs WHERE action = ${id}`)
      await inside.run(sql`DELETE FROM actions WHERE id = ${id}`)
    }
    return rows.length === STEP
  })
