/** What nodes have reported. */
import type { Report } from '../protocol/messages.ts'
import type { Database } from './database.ts'
import { json, number, text } from './rows.ts'
import { NOTHING, sql } from './sql.ts'
import type { Store } from './store.ts'

export const reports = (database: Database): Pick<Store, 'putReports' | 'reports'> => ({
  putReports: (vo, node, list, now) =>
    database.transaction(async inside => {
      // A clock which was once ahead must not hide all that comes after.
      const happened = (report: Report) => Math.min(report.at, now)
      for (const report of list)
        await inside.run(sql`${inside.dialect.insertNew} INTO reports (id, vo, node, happened, received, report)
          VALUES (${report.id}, ${vo}, ${node}, ${happened(report)}, ${now}, ${JSON.stringify(report)})`)
      const newest = list.reduce((a, b) => (happened(b) >= happened(a) ? b : a))
      const [row] = await inside.all(
        sql`SELECT MAX(happened) AS newest FROM reports WHERE vo = ${vo} AND node = ${node}`,
      )
      // Reports from a time without contact come late; the newest stays the newest.
      if (row && number(row, 'newest') > happened(newest)) return
      await inside.run(sql`UPDATE nodes SET last_report = ${JSON.stringify(newest)}, serial_applied = ${newest.serial}
        WHERE vo = ${vo} AND id = ${node}`)
    }),

  async reports(vo, { node, limit = 100 }) {
    const ofNode = node === undefined ? NOTHING : sql` AND node = ${node}`
    const rows = await database.all(
      sql`SELECT * FROM reports WHERE vo = ${vo}${ofNode} ORDER BY happened DESC, id DESC LIMIT ${limit}`,
    )
    return rows.map(row => ({
      node: text(row, 'node'),
      received: number(row, 'received'),
      report: json<Report>(row, 'report'),
    }))
  },
})
