/** The store over a database of SQL: the same code for SQLite and MySQL. */
import type { Report } from '../protocol/messages.ts'
import { actions } from './actions.ts'
import { bundles } from './bundles.ts'
import type { Database } from './database.ts'
import { identities } from './identities.ts'
import { json, number, text } from './rows.ts'
import { prepareSchema } from './schema.ts'
import type { Store } from './store.ts'

/** Makes the tables where they are missing. The store owns the database and closes it. Throws `STORE_FAILED`. */
export const openStore = async (database: Database): Promise<Store> => {
  await using stack = new AsyncDisposableStack()
  stack.use(database)
  await prepareSchema(database)
  const owned = stack.move()
  return {
    ...identities(database),
    ...bundles(database),
    ...actions(database),
    ...reports(database),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const reports = (database: Database): Pick<Store, 'putReports' | 'reports' | 'prune'> => ({
  putReports: (vo, node, list, now) =>
    database.transaction(async inside => {
      const sql = `${inside.dialect.insertNew} INTO reports (id, vo, node, happened, received, report) VALUES (?, ?, ?, ?, ?, ?)`
      // A clock which was once ahead must not hide all that comes after.
      const happened = (report: Report) => Math.min(report.at, now)
      for (const report of list)
        await inside.run(sql, [report.id, vo, node, happened(report), now, JSON.stringify(report)])
      const newest = list.reduce((a, b) => (happened(b) >= happened(a) ? b : a))
      const [row] = await inside.all('SELECT MAX(happened) AS newest FROM reports WHERE node = ?', [node])
      // Reports from a time without contact come late; the newest stays the newest.
      if (row && number(row, 'newest') > happened(newest)) return
      await inside.run('UPDATE nodes SET last_report = ?, serial_applied = ? WHERE vo = ? AND id = ?', [
        ...[JSON.stringify(newest), newest.serial, vo, node],
      ])
    }),

  async reports(vo, { node, limit = 100 }) {
    const where = node ? 'vo = ? AND node = ?' : 'vo = ?'
    const rows = await database.all(`SELECT * FROM reports WHERE ${where} ORDER BY happened DESC, id LIMIT ?`, [
      ...(node ? [vo, node, limit] : [vo, limit]),
    ])
    return rows.map(row => ({
      node: text(row, 'node'),
      received: number(row, 'received'),
      report: json<Report>(row, 'report'),
    }))
  },

  prune: (before, now) =>
    database.transaction(async inside => {
      const late =
        "UPDATE actions SET state = 'expired', finished = ? WHERE state IN ('queued', 'fetched') AND expires <= ?"
      await inside.run(late, [now, now])
      await inside.run('DELETE FROM reports WHERE received < ?', [before])
      const old = 'SELECT id FROM actions WHERE finished IS NOT NULL AND finished < ?'
      await inside.run(`DELETE FROM outputs WHERE action IN (${old})`, [before])
      await inside.run('DELETE FROM actions WHERE finished IS NOT NULL AND finished < ?', [before])
    }),
})
