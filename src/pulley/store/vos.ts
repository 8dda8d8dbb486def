/** VOs, their keys and their revisions. */
import type { Database, Queries } from './database.ts'
import { number, text, voOf } from './rows.ts'
import { NOTHING, type Sql, sql } from './sql.ts'
import { refused, type Store, type Vo } from './store.ts'

/** Something has changed which nodes of the VO may want to know of. */
export const countRevision = (inside: Queries, vo: string): Promise<number> =>
  inside.run(sql`UPDATE vos SET revision = revision + 1 WHERE name = ${vo}`)

export const vos = (database: Database): Pick<Store, 'revisions' | 'createVo' | 'vo' | 'vos' | 'changeVoKey'> => ({
  async revisions() {
    const rows = await database.all(sql`SELECT name, revision FROM vos`)
    return new Map(rows.map(row => [text(row, 'name'), number(row, 'revision')]))
  },

  createVo: ({ name, publicKey }, now) =>
    database.transaction(async inside => {
      const made = await inside.run(sql`${inside.dialect.insertNew} INTO vos (name, public_key, created, successions)
        VALUES (${name}, ${publicKey}, ${now}, '[]')`)
      const vo = await voNamed(inside, name)
      // The same request again, because its answer was lost, is no second VO.
      if (made === 0 && vo?.publicKey !== publicKey) return refused(`there is a VO ${name} already, with another key`)
      return vo as Vo
    }),
  vo: name => voNamed(database, name),
  vos: async () => (await database.all(sql`SELECT * FROM vos ORDER BY name`)).map(voOf),

  changeVoKey: (name, from, to, document) =>
    database.transaction(async inside => {
      const before = await voNamed(inside, name, inside.dialect.forUpdate)
      if (before?.publicKey !== from) return refused(`the key of VO ${name} is another one by now`)
      const successions = JSON.stringify([...before.successions, document])
      await inside.run(sql`UPDATE vos SET public_key = ${to}, successions = ${successions} WHERE name = ${name}`)
      await countRevision(inside, name)
      return (await voNamed(inside, name)) as Vo
    }),
})

const voNamed = async (inside: Queries, name: string, lock: Sql = NOTHING): Promise<Vo | undefined> => {
  const [row] = await inside.all(sql`SELECT * FROM vos WHERE name = ${name}${lock}`)
  return row && voOf(row)
}
