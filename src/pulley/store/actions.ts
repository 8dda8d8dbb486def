/** Orders on their way: each is started at most once, whatever is asked how often, and by whom. */
import { MAX_CANCELLED_PER_POLL, MAX_ORDERS_PER_POLL } from '../protocol/limits.ts'
import type { Database, Queries } from './database.ts'
import { actionOf, bytes, number, text } from './rows.ts'
import { NOTHING, type Sql, sql } from './sql.ts'
import { type Action, type ActionState, type OutputPiece, refused, type Store } from './store.ts'
import { countRevision } from './vos.ts'

type Actions = Pick<
  Store,
  | 'queueActions'
  | 'action'
  | 'actions'
  | 'fetchActions'
  | 'pendingActions'
  | 'cancelledActions'
  | 'startAction'
  | 'finishAction'
  | 'cancelAction'
  | 'putOutput'
  | 'actionOutput'
>

export const actions = (database: Database): Actions => ({
  queueActions: list =>
    database.transaction(async inside => {
      for (const { id, vo, node, batch, name, envelope, created, expires } of list)
        await inside.run(sql`${inside.dialect.insertNew} INTO actions (id, vo, node, batch, name, envelope, state, created,
            expires)
          VALUES (${id}, ${vo}, ${node}, ${batch}, ${name}, ${JSON.stringify(envelope)}, 'queued', ${created}, ${expires})`)
      for (const vo of new Set(list.map(one => one.vo))) await countRevision(inside, vo)
    }),
  action: (vo, id) => findAction(database, sql`SELECT * FROM actions WHERE vo = ${vo} AND id = ${id}`),
  async actions(vo, { node, batch, limit = 1000 }) {
    const ofNode = node === undefined ? NOTHING : sql` AND node = ${node}`
    const ofBatch = batch === undefined ? NOTHING : sql` AND batch = ${batch}`
    const rows = await database.all(
      sql`SELECT * FROM actions WHERE vo = ${vo}${ofNode}${ofBatch} ORDER BY created DESC, id DESC LIMIT ${limit}`,
    )
    return rows.map(actionOf)
  },

  fetchActions: (vo, node, now) =>
    database.transaction(async inside => {
      const rows = await inside.all(
        sql`SELECT * FROM actions WHERE vo = ${vo} AND node = ${node} AND state IN ('queued', 'fetched')`,
      )
      const fetched: Action[] = []
      for (const action of rows.map(actionOf).sort(byAge)) {
        const after = await fetchAction(inside, action, now)
        if (after) fetched.push(after)
        if (fetched.length === MAX_ORDERS_PER_POLL) break
      }
      return fetched
    }),

  async pendingActions(vo, now) {
    const rows = await database.all(sql`SELECT id, node FROM actions
        WHERE vo = ${vo} AND state IN ('queued', 'fetched') AND expires > ${now}
      UNION ALL SELECT id, node FROM actions WHERE vo = ${vo} AND state = 'started' AND cancel_asked = 1`)
    const byNode = Map.groupBy(rows, row => text(row, 'node'))
    return new Map([...byNode].map(([node, own]) => [node, own.map(row => text(row, 'id')).sort()]))
  },
  async cancelledActions(vo, node) {
    const rows = await database.all(
      sql`SELECT id FROM actions WHERE vo = ${vo} AND node = ${node} AND state = 'started' AND cancel_asked = 1
        ORDER BY started DESC LIMIT ${MAX_CANCELLED_PER_POLL}`,
    )
    return rows.map(row => text(row, 'id'))
  },

  startAction: (vo, node, id, attempt, at, now) =>
    database.transaction(async inside => {
      const action = await lockAction(inside, vo, node, id)
      if (!action) return refused('there is no such action for this node')
      const [same] = await inside.all(
        sql`SELECT output_bytes FROM actions WHERE id = ${id} AND state = 'started' AND attempt = ${attempt}`,
      )
      if (same && (number(same, 'output_bytes') === 0 || isRepeatable(action))) return { kind: 'started' }
      if (action.state !== 'queued' && action.state !== 'fetched') return refused(`it is ${action.state}`)
      if (action.expires <= now) {
        await inside.run(sql`UPDATE actions SET state = 'expired', finished = ${now} WHERE id = ${id}`)
        return refused('it has expired')
      }
      await inside.run(
        sql`UPDATE actions SET state = 'started', started = ${at}, attempt = ${attempt} WHERE id = ${id}`,
      )
      return { kind: 'started' }
    }),

  finishAction: (vo, node, id, result, now) =>
    database.transaction(async inside => {
      const action = await lockAction(inside, vo, node, id)
      if (!action) return refused('there is no such action for this node')
      if (action.result ? isSameEnd(action.result, result) : action.state === result.state) return { kind: 'finished' }
      // What is unknown may still become known; nothing else which has ended changes.
      if (['done', 'failed', 'expired', 'cancelled'].includes(action.state)) return refused(`it is ${action.state}`)
      await inside.run(sql`UPDATE actions SET state = ${result.state}, finished = ${Math.min(result.at, now)},
        result = ${JSON.stringify(result)} WHERE id = ${id}`)
      return { kind: 'finished' }
    }),

  cancelAction: (vo, id, now) =>
    database.transaction(async inside => {
      const { forUpdate } = inside.dialect
      const action = await findAction(inside, sql`SELECT * FROM actions WHERE vo = ${vo} AND id = ${id}${forUpdate}`)
      if (!action) return undefined
      const after = cancelled(action.state)
      const finished = after === 'cancelled' ? (action.finished ?? now) : action.finished
      await inside.run(
        sql`UPDATE actions SET state = ${after}, cancel_asked = 1, finished = ${finished} WHERE id = ${id}`,
      )
      await countRevision(inside, vo)
      return after
    }),

  putOutput: (vo, node, id, { piece, stream, data }, limit) =>
    database.transaction(async inside => {
      const action = await lockAction(inside, vo, node, id)
      if (!action) return refused('there is no such action for this node')
      if (action.started === undefined) return refused(`it is ${action.state}, and never began`)
      const [known] = await inside.all(sql`SELECT piece FROM outputs WHERE action = ${id} AND piece = ${piece}`)
      if (known) return { kind: 'taken' }
      const [size] = await inside.all(sql`SELECT output_bytes FROM actions WHERE id = ${id}`)
      if (size && number(size, 'output_bytes') + data.length > limit) return refused('there is too much of it')
      await inside.run(
        sql`INSERT INTO outputs (action, piece, stream, content) VALUES (${id}, ${piece}, ${stream}, ${data})`,
      )
      await inside.run(sql`UPDATE actions SET output_bytes = output_bytes + ${data.length} WHERE id = ${id}`)
      return { kind: 'taken' }
    }),

  async actionOutput(vo, id) {
    const rows = await database.all(sql`SELECT outputs.* FROM outputs JOIN actions ON actions.id = outputs.action
      WHERE actions.vo = ${vo} AND actions.id = ${id} ORDER BY outputs.piece`)
    return rows.map(
      (row): OutputPiece => ({
        piece: number(row, 'piece'),
        stream: text(row, 'stream') === 'stderr' ? 'stderr' : 'stdout',
        data: bytes(row, 'content'),
      }),
    )
  },
})

const byAge = (a: Action, b: Action): number => a.created - b.created || (a.id < b.id ? -1 : 1)

/** `undefined`: its time is over, or somebody has cancelled it meanwhile. */
const fetchAction = async (inside: Queries, action: Action, now: number): Promise<Action | undefined> => {
  const { id, state, expires } = action
  if (expires <= now) {
    await inside.run(
      sql`UPDATE actions SET state = 'expired', finished = ${now} WHERE id = ${id} AND state IN ('queued', 'fetched')`,
    )
    return undefined
  }
  if (state === 'fetched') return action
  const marked = await inside.run(
    sql`UPDATE actions SET state = 'fetched', fetched = ${now} WHERE id = ${id} AND state = 'queued'`,
  )
  return marked === 1 ? { ...action, state: 'fetched', fetched: now } : undefined
}

const findAction = async (inside: Pick<Queries, 'all'>, query: Sql): Promise<Action | undefined> => {
  const [row] = await inside.all(query)
  return row && actionOf(row)
}

/** The action, for nobody else until the transaction ends. */
const lockAction = (inside: Queries, vo: string, node: string, id: string): Promise<Action | undefined> =>
  findAction(
    inside,
    sql`SELECT * FROM actions WHERE vo = ${vo} AND node = ${node} AND id = ${id}${inside.dialect.forUpdate}`,
  )

const cancelled = (state: ActionState): ActionState => (state === 'queued' || state === 'fetched' ? 'cancelled' : state)

/** What the order says: it was verified when it came, and whoever obeys it verifies it again. */
const isRepeatable = ({ envelope }: Action): boolean =>
  JSON.parse(Buffer.from(envelope.payload, 'base64').toString()).repeatable === true

const isSameEnd = (a: NonNullable<Action['result']>, b: NonNullable<Action['result']>): boolean =>
  a.state === b.state && a.at === b.at && a.exitCode === b.exitCode
