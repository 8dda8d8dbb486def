/** Nodes after their enrolment. */
import type { Database, Queries } from './database.ts'
import { nodeOf } from './rows.ts'
import { sql } from './sql.ts'
import type { Store } from './store.ts'
import { countRevision } from './vos.ts'

type Nodes = Pick<
  Store,
  'node' | 'nodeById' | 'nodes' | 'setRoles' | 'revokeNode' | 'beginSession' | 'recordClone' | 'recordContacts'
>

export const nodes = (database: Database): Nodes => ({
  async node(vo, id) {
    const [row] = await database.all(sql`SELECT * FROM nodes WHERE vo = ${vo} AND id = ${id}`)
    return row && nodeOf(row)
  },
  async nodeById(id) {
    const [row] = await database.all(sql`SELECT * FROM nodes WHERE id = ${id}`)
    return row && nodeOf(row)
  },
  nodes: async vo => (await database.all(sql`SELECT * FROM nodes WHERE vo = ${vo} ORDER BY name, id`)).map(nodeOf),
  setRoles: (vo, id, roles) =>
    database.transaction(async inside => {
      const changed = await inside.run(
        sql`UPDATE nodes SET roles = ${JSON.stringify(roles)} WHERE vo = ${vo} AND id = ${id}`,
      )
      await countRevision(inside, vo)
      return changed === 1
    }),
  revokeNode: (vo, id, now) =>
    database.transaction(async inside => {
      const changed = await inside.run(
        sql`UPDATE nodes SET revoked = ${now}, held_name = NULL WHERE vo = ${vo} AND id = ${id} AND revoked IS NULL`,
      )
      await inside.run(sql`UPDATE actions SET state = 'cancelled', finished = ${now}
        WHERE vo = ${vo} AND node = ${id} AND state IN ('queued', 'fetched')`)
      await endAsUnknown(inside, vo, id, 'the node was put out while it ran', now)
      await countRevision(inside, vo)
      return changed === 1
    }),

  beginSession: (id, { turn, bootId, version, addresses, serial }, now) =>
    database.transaction(async inside => {
      const [row] = await inside.all(sql`SELECT * FROM nodes WHERE id = ${id}${inside.dialect.forUpdate}`)
      const node = row && nodeOf(row)
      const rolledBack = node !== undefined && turn <= node.turn
      await inside.run(sql`UPDATE nodes SET turn = ${Math.max(turn, node?.turn ?? 0)}, boot_id = ${bootId},
          version = ${version}, addresses = ${JSON.stringify(addresses)}, serial_applied = ${serial},
          last_contact = ${now}, rolled_back = ${rolledBack ? now : node?.rolledBack}
        WHERE id = ${id}`)
      // It has forgotten what it had begun.
      if (rolledBack) await endAsUnknown(inside, node.vo, id, "the node's state was put back to an earlier one", now)
      return { rolledBack }
    }),
  async recordClone(id) {
    await database.run(sql`UPDATE nodes SET clones_seen = clones_seen + 1 WHERE id = ${id}`)
  },
  recordContacts: list =>
    database.transaction(async inside => {
      for (const { id, at, interval } of list)
        await inside.run(sql`UPDATE nodes SET last_contact = ${at}, poll_interval = ${interval} WHERE id = ${id}`)
    }),
})

/** What a node has begun, and will perhaps never report the end of. If it does, that counts. */
const endAsUnknown = async (inside: Queries, vo: string, node: string, message: string, now: number): Promise<void> => {
  const result = JSON.stringify({ state: 'unknown', at: now, message })
  await inside.run(sql`UPDATE actions SET state = 'unknown', finished = ${now}, result = ${result}
    WHERE vo = ${vo} AND node = ${node} AND state = 'started'`)
}
