/** `pulley actions`, `pulley actions show ID`, `pulley cancel ID`. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { parseNodeName } from '../../base/names.ts'
import type { Target } from '../../inventory/target.ts'
import { fold } from '../../nodeset/fold.ts'
import { report } from '../../report/report.ts'
import { standardSinks } from '../../report/sink.ts'
import type { Administered } from '../client/admin.ts'
import { MAX_LISTED } from '../protocol/limits.ts'
import type { Action, ActionState } from '../store/store.ts'
import { formatTime } from './format-time.ts'
import { follow, viewsOf } from './send.ts'
import { table } from './table.ts'
import { actionsOf, allNodes, outputOf } from './vo-data.ts'

/** Batches, the newest first, each with how many of its actions are in which state. */
export const listActions = async (
  vo: Administered,
  flags: { readonly last: number; readonly json?: boolean },
  io: Abortable,
): Promise<number> => {
  const actions = await actionsOf(vo, { limit: flags.last }, io)
  if (flags.json) {
    process.stdout.write(actions.map(action => `${JSON.stringify(fieldsOf(action))}\n`).join(''))
    return 0
  }
  const rows = [...Map.groupBy(actions, action => action.batch)].map(([batch, list]) => {
    const states = Map.groupBy(list, action => action.state)
    const counts = STATES.flatMap(state => (states.has(state) ? [`${states.get(state)?.length} ${state}`] : []))
    return [batch, formatTime(list[0]?.created ?? 0), counts.join(', '), list[0]?.name ?? '']
  })
  process.stdout.write(table(['ACTIONS', 'SENT', 'STATE', 'WHAT'], rows))
  return 0
}

const STATES: readonly ActionState[] = [
  ...(['queued', 'fetched', 'started', 'done', 'failed', 'expired', 'cancelled', 'unknown'] as const),
]

/** One action with its output, or all which were sent together, as a run's report; what still goes on is not waited for. */
export const showActions = async (
  vo: Administered,
  id: string,
  flags: { readonly fold?: boolean; readonly json?: boolean },
  io: Abortable,
): Promise<number> => {
  const actions = await find(vo, id, io)
  const names = await namesOf(vo, io)
  if (flags.json) {
    for (const action of actions) {
      const output = await outputOf(vo, action.id, io)
      const texts = output.map(({ stream, data }) => ({ stream, text: data.toString() }))
      process.stdout.write(
        `${JSON.stringify({ ...fieldsOf(action), name: action.name, nodeName: names.get(action.node), output: texts })}\n`,
      )
    }
    return 0
  }
  const waiting = actions.filter(action => action.finished === undefined && action.state !== 'unknown')
  const ended = actions.filter(action => !waiting.includes(action))
  const sinks = standardSinks()
  const sent = ended.map(action => ({ id: action.id, target: targetOf(names.get(action.node) ?? action.node) }))
  const [first] = actions
  if (sent.length > 0 && first) await report(follow(vo, first.batch, sent, io), viewsOf(flags, sinks))
  for (const [state, list] of Map.groupBy(waiting, action => action.state)) {
    const folded = fold(list.map(action => names.get(action.node) ?? action.node))
    await sinks.stderr.write(`${state}: ${folded}\n`)
  }
  return 0
}

export const cancelActions = async (vo: Administered, id: string, io: Abortable): Promise<number> => {
  for (const action of await find(vo, id, io)) {
    const { state } = (await vo.json('POST', `/actions/${action.id}/cancel`, {}, io)) as { readonly state: ActionState }
    process.stdout.write(`${action.id}: ${state === 'started' ? 'it runs, and is asked to end' : state}\n`)
  }
  return 0
}

/** The actions of an id, which is one's own or that of a batch. */
const find = async (vo: Administered, id: string, io: Abortable): Promise<readonly Action[]> => {
  const batch = await actionsOf(vo, { batch: id, limit: MAX_LISTED }, io)
  if (batch.length > 0) return batch
  const one = (await vo.json('GET', `/actions/${encodeURIComponent(id)}`, undefined, io).catch(cause => {
    if (cause instanceof StokerError && cause.code === 'REFUSED')
      throw new StokerError('UNKNOWN_NAME', id, `VO ${vo.vo} has no action ${id}; 'pulley actions' lists them`, {
        cause,
      })
    throw cause
  })) as Action
  return [one]
}

const namesOf = async (vo: Administered, io: Abortable): Promise<ReadonlyMap<string, string>> => {
  const nodes = await allNodes(vo, io)
  return new Map(nodes.map(node => [node.id, node.name]))
}

const targetOf = (name: string): Target => ({
  ...{ name: parseNodeName(name), names: [name], addresses: [], port: undefined, user: undefined },
  ...{ macs: [], vars: {}, via: [] },
})

/** What `--json` tells of an action. */
const fieldsOf = ({ id, batch, node, state, created, expires, fetched, started, finished, result }: Action) => ({
  ...{ id, batch, node, state, created, expires, fetched, started, finished, result },
})
