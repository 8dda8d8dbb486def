/** Bundles and their content. */
import type { Database } from './database.ts'
import { refused, touch } from './identities.ts'
import { bundleOf, bytes, number } from './rows.ts'
import type { Store } from './store.ts'

/** Well below what a MySQL server takes in one packet by default (16 MiB). */
const PIECE = 1 << 20

export const bundles = (database: Database): Pick<Store, 'putBlob' | 'blob' | 'publish' | 'bundles' | 'setWaves'> => ({
  putBlob: (vo, sha256, content) =>
    database.transaction(async inside => {
      const pieces = Math.max(1, Math.ceil(content.length / PIECE))
      const sql = `${inside.dialect.insertNew} INTO blobs (vo, sha256, piece, pieces, content) VALUES (?, ?, ?, ?, ?)`
      for (let piece = 0; piece < pieces; piece++)
        await inside.run(sql, [vo, sha256, piece, pieces, content.subarray(piece * PIECE, (piece + 1) * PIECE)])
    }),

  async blob(vo, sha256) {
    const rows = await database.all('SELECT pieces, content FROM blobs WHERE vo = ? AND sha256 = ? ORDER BY piece', [
      vo,
      sha256,
    ])
    const [first] = rows
    if (!first || number(first, 'pieces') !== rows.length) return undefined
    return Buffer.concat(rows.map(row => bytes(row, 'content')))
  },

  publish: ({ vo, serial, envelope, contentSha256, created, note, waves }) =>
    database.transaction(async inside => {
      // Whoever publishes at the same time waits here.
      await inside.all(`SELECT name FROM vos WHERE name = ?${inside.dialect.forUpdate}`, [vo])
      const [newest] = await inside.all('SELECT * FROM bundles WHERE vo = ? ORDER BY serial_number DESC LIMIT 1', [vo])
      const last = newest && bundleOf(newest)
      // The same bundle again: the answer to the first was lost.
      if (last?.serial === serial && JSON.stringify(last.envelope) === JSON.stringify(envelope))
        return { kind: 'published' }
      if (last && last.serial >= serial)
        return refused(`serial ${serial} is not higher than ${last.serial}, the newest`)
      const [content] = await inside.all('SELECT piece FROM blobs WHERE vo = ? AND sha256 = ? LIMIT 1', [
        vo,
        contentSha256,
      ])
      if (!content) return refused('its content has not been uploaded')
      const sql =
        'INSERT INTO bundles (vo, serial_number, envelope, content_sha256, created, note, waves) VALUES (?, ?, ?, ?, ?, ?, ?)'
      await inside.run(sql, [vo, serial, JSON.stringify(envelope), contentSha256, created, note, JSON.stringify(waves)])
      await touch(inside, vo)
      return { kind: 'published' }
    }),

  bundles: async vo =>
    (await database.all('SELECT * FROM bundles WHERE vo = ? ORDER BY serial_number DESC', [vo])).map(bundleOf),

  setWaves: (vo, serial, waves) =>
    database.transaction(async inside => {
      const sql = 'UPDATE bundles SET waves = ? WHERE vo = ? AND serial_number = ?'
      await inside.run(sql, [JSON.stringify(waves), vo, serial])
      await touch(inside, vo)
    }),
})
