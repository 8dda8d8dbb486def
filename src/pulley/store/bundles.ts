/** Bundles and their content. */
import type { Database } from './database.ts'
import { bundleOf, bytes, number } from './rows.ts'
import { sql } from './sql.ts'
import { refused, type Store } from './store.ts'
import { countRevision } from './vos.ts'

/** Well below what a MySQL server takes in one packet by default (16 MiB). */
const PIECE_BYTES = 1 << 20

type Bundles = Pick<Store, 'putBlob' | 'blob' | 'publishBundle' | 'bundles' | 'setWaves'>

export const bundles = (database: Database): Bundles => ({
  putBlob: (vo, sha256, content) =>
    database.transaction(async inside => {
      const pieces = Math.max(1, Math.ceil(content.length / PIECE_BYTES))
      for (let piece = 0; piece < pieces; piece++) {
        const part = content.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)
        await inside.run(sql`${inside.dialect.insertNew} INTO blobs (vo, sha256, piece, pieces, content)
          VALUES (${vo}, ${sha256}, ${piece}, ${pieces}, ${part})`)
      }
    }),

  async blob(vo, sha256) {
    const rows = await database.all(
      sql`SELECT pieces, content FROM blobs WHERE vo = ${vo} AND sha256 = ${sha256} ORDER BY piece`,
    )
    const [first] = rows
    if (!first || number(first, 'pieces') !== rows.length) return undefined
    return Buffer.concat(rows.map(row => bytes(row, 'content')))
  },

  publishBundle: ({ vo, serial, envelope, contentSha256, created, note, waves }) =>
    database.transaction(async inside => {
      // Whoever publishes at the same time waits here.
      await inside.all(sql`SELECT name FROM vos WHERE name = ${vo}${inside.dialect.forUpdate}`)
      const [newest] = await inside.all(sql`SELECT * FROM bundles WHERE vo = ${vo} ORDER BY serial_number DESC LIMIT 1`)
      const last = newest && bundleOf(newest)
      // The same bundle again: the answer to the first was lost.
      if (last?.serial === serial && JSON.stringify(last.envelope) === JSON.stringify(envelope))
        return { kind: 'published' }
      if (last && last.serial >= serial)
        return refused(`serial ${serial} is not higher than ${last.serial}, the newest`)
      const [content] = await inside.all(
        sql`SELECT piece FROM blobs WHERE vo = ${vo} AND sha256 = ${contentSha256} LIMIT 1`,
      )
      if (!content) return refused('its content has not been uploaded')
      await inside.run(sql`INSERT INTO bundles (vo, serial_number, envelope, content_sha256, created, note, waves)
        VALUES (${vo}, ${serial}, ${JSON.stringify(envelope)}, ${contentSha256}, ${created}, ${note},
          ${JSON.stringify(waves)})`)
      await countRevision(inside, vo)
      return { kind: 'published' }
    }),

  bundles: async vo =>
    (await database.all(sql`SELECT * FROM bundles WHERE vo = ${vo} ORDER BY serial_number DESC`)).map(bundleOf),

  setWaves: (vo, serial, waves) =>
    database.transaction(async inside => {
      await inside.run(
        sql`UPDATE bundles SET waves = ${JSON.stringify(waves)} WHERE vo = ${vo} AND serial_number = ${serial}`,
      )
      await countRevision(inside, vo)
    }),
})
