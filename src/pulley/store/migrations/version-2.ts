/** Indexes: for each query the one which finds its rows, in their order where they have one. */
import { sql } from '../sql.ts'
import type { Migration } from './migration.ts'

export const version2: Migration = {
  version: 2,
  title: 'index reports, actions, nodes and tokens',
  statements: () => [
    sql`CREATE INDEX tokens_of_vo ON tokens (vo, created, id)`,
    sql`CREATE INDEX nodes_of_vo ON nodes (vo, name, id)`,
    sql`CREATE INDEX nonces_by_expiry ON nonces (expires)`,
    // What a node fetches, has begun, or shall end.
    sql`CREATE INDEX actions_of_node_by_state ON actions (vo, node, state)`,
    // What a VO's nodes have to be told, and what expires.
    sql`CREATE INDEX actions_of_vo_by_state ON actions (vo, state, expires)`,
    // Lists, the newest first.
    sql`CREATE INDEX actions_of_vo ON actions (vo, created, id)`,
    sql`CREATE INDEX actions_of_node ON actions (vo, node, created, id)`,
    sql`CREATE INDEX actions_of_batch ON actions (vo, batch, created, id)`,
    sql`CREATE INDEX reports_of_vo ON reports (vo, happened, id)`,
    sql`CREATE INDEX reports_of_node ON reports (vo, node, happened, id)`,
    // What is forgotten.
    sql`CREATE INDEX actions_by_end ON actions (finished)`,
    sql`CREATE INDEX reports_by_arrival ON reports (received)`,
  ],
}
