/** Orders on their way: each is started at most once, whatever is asked how often, and by whom. */
import type { Database, Value } from './database.ts'
import { refused, touch } from './identities.ts'
import { actionOf, bytes, number, text } from './rows.ts'
import type { Action, ActionState, OutputPiece, Store } from './store.ts'

type Actions = Pick<
  Store,
  'queue' | 'action' | 'actions' | 'fetch' | 'waiting' | 'start' | 'finish' | 'cancel' | 'putOutput' | 'output'
>

export const actions = (database: Database): Actions => {
  const find = async (
    inside: Pick<Database, 'all'>,
    sql: string,
    values: readonly Value[],
  ): Promise<Action | undefined> => {
    const [row] = await inside.all(sql, values)
    return row && actionOf(row)
  }
  /** The action, for nobody else until the transaction ends. */
  const held = (inside: Pick<Database, 'all' | 'dialect'>, vo: string, node: string, id: string) =>
    find(inside, `SELECT * FROM actions WHERE vo = ? AND node = ? AND id = ?${inside.dialect.forUpdate}`, [
      vo,
      node,
      id,
    ])

  return {
    queue: list =>
      database.transaction(async inside => {
        const sql = `${inside.dialect.insertNew} INTO actions (id, vo, node, batch, name, envelope, state, created, expires)
          VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?)`
        for (const { id, vo, node, batch, name, envelope, created, expires } of list)
          await inside.run(sql, [id, vo, node, batch, name, JSON.stringify(envelope), created, expires])
        for (const vo of new Set(list.map(one => one.vo))) await touch(inside, vo)
      }),
    action: (vo, id) => find(database, 'SELECT * FROM actions WHERE vo = ? AND id = ?', [vo, id]),
    async actions(vo, { node, batch, limit = 1000 }) {
      const where = ['vo = ?', ...(node ? ['node = ?'] : []), ...(batch ? ['batch = ?'] : [])].join(' AND ')
      const values = [vo, ...(node ? [node] : []), ...(batch ? [batch] : []), limit]
      const rows = await database.all(`SELECT * FROM actions WHERE ${where} ORDER BY created DESC, id LIMIT ?`, values)
      return rows.map(actionOf)
    },

    fetch: (vo, node, now) =>
      database.transaction(async inside => {
        const open = "vo = ? AND node = ? AND state IN ('queued', 'fetched')"
        const late = `UPDATE actions SET state = 'expired', finished = ? WHERE ${open} AND expires <= ?`
        await inside.run(late, [now, vo, node, now])
        const mark = `UPDATE actions SET state = 'fetched', fetched = ? WHERE vo = ? AND node = ? AND state = 'queued'`
        await inside.run(mark, [now, vo, node])
        const rows = await inside.all(`SELECT * FROM actions WHERE ${open} ORDER BY created, id LIMIT 100`, [vo, node])
        return rows.map(actionOf)
      }),

    async waiting(vo, now) {
      const sql = `SELECT id, node FROM actions WHERE vo = ? AND
        ((state IN ('queued', 'fetched') AND expires > ?) OR (state = 'started' AND cancel_asked = 1)) ORDER BY id`
      const rows = await database.all(sql, [vo, now])
      return new Map(
        [...Map.groupBy(rows, row => text(row, 'node'))].map(([node, own]) => [node, own.map(row => text(row, 'id'))]),
      )
    },

    start: (vo, node, id, attempt, at, now) =>
      database.transaction(async inside => {
        const action = await held(inside, vo, node, id)
        if (!action) return refused('there is no such action for this node')
        const again = 'SELECT output_bytes FROM actions WHERE id = ? AND state = ? AND attempt = ?'
        const [same] = await inside.all(again, [id, 'started', attempt])
        if (same && (number(same, 'output_bytes') === 0 || isRepeatable(action))) return { kind: 'started' }
        if (action.state !== 'queued' && action.state !== 'fetched') return refused(`it is ${action.state}`)
        if (action.expires <= now) {
          await inside.run("UPDATE actions SET state = 'expired', finished = ? WHERE id = ?", [now, id])
          return refused('it has expired')
        }
        await inside.run("UPDATE actions SET state = 'started', started = ?, attempt = ? WHERE id = ?", [
          at,
          attempt,
          id,
        ])
        return { kind: 'started' }
      }),

    finish: (vo, node, id, result, now) =>
      database.transaction(async inside => {
        const action = await held(inside, vo, node, id)
        if (!action) return refused('there is no such action for this node')
        if (action.result ? sameEnd(action.result, result) : action.state === result.state) return { kind: 'finished' }
        // What is unknown may still become known; nothing else which has ended changes.
        if (['done', 'failed', 'expired', 'cancelled'].includes(action.state)) return refused(`it is ${action.state}`)
        const sql = 'UPDATE actions SET state = ?, finished = ?, result = ? WHERE id = ?'
        await inside.run(sql, [result.state, Math.min(result.at, now), JSON.stringify(result), id])
        return { kind: 'finished' }
      }),

    cancel: (vo, id, now) =>
      database.transaction(async inside => {
        const sql = `SELECT * FROM actions WHERE vo = ? AND id = ?${inside.dialect.forUpdate}`
        const action = await find(inside, sql, [vo, id])
        if (!action) return undefined
        const after = cancelled(action.state)
        await inside.run('UPDATE actions SET state = ?, cancel_asked = 1, finished = ? WHERE id = ?', [
          ...[after, after === 'cancelled' && action.finished === undefined ? now : (action.finished ?? null), id],
        ])
        await touch(inside, vo)
        return after
      }),

    putOutput: (vo, node, id, { piece, stream, data }, limit) =>
      database.transaction(async inside => {
        const action = await held(inside, vo, node, id)
        if (!action) return refused('there is no such action for this node')
        if (action.started === undefined) return refused(`it is ${action.state}, and never began`)
        const [known] = await inside.all('SELECT piece FROM outputs WHERE action = ? AND piece = ?', [id, piece])
        if (known) return { kind: 'taken' }
        const [size] = await inside.all('SELECT output_bytes FROM actions WHERE id = ?', [id])
        if (size && number(size, 'output_bytes') + data.length > limit) return refused('there is too much of it')
        await inside.run('INSERT INTO outputs (action, piece, stream, content) VALUES (?, ?, ?, ?)', [
          ...[id, piece, stream, data],
        ])
        await inside.run('UPDATE actions SET output_bytes = output_bytes + ? WHERE id = ?', [data.length, id])
        return { kind: 'taken' }
      }),

    async output(vo, id) {
      const sql = `SELECT outputs.* FROM outputs JOIN actions ON actions.id = outputs.action
        WHERE actions.vo = ? AND actions.id = ? ORDER BY outputs.piece`
      const rows = await database.all(sql, [vo, id])
      return rows.map(
        (row): OutputPiece => ({
          piece: number(row, 'piece'),
          stream: text(row, 'stream') === 'stderr' ? 'stderr' : 'stdout',
          data: bytes(row, 'content'),
        }),
      )
    },
  }
}

const cancelled = (state: ActionState): ActionState => (state === 'queued' || state === 'fetched' ? 'cancelled' : state)

/** What the order says: it was verified when it came, and whoever obeys it verifies it again. */
const isRepeatable = ({ envelope }: Action): boolean =>
  JSON.parse(Buffer.from(envelope.payload, 'base64').toString()).repeatable === true

const sameEnd = (a: NonNullable<Action['result']>, b: NonNullable<Action['result']>): boolean =>
  a.state === b.state && a.at === b.at && a.exitCode === b.exitCode
