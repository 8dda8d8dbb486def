/** `pulley send`: one signed order for each node, and what becomes of them, in the report of a run. */
import { type Abortable, pause } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { dedup } from '../../inventory/dedup.ts'
import { readList } from '../../inventory/read-list.ts'
import { resolve } from '../../inventory/resolve.ts'
import type { Target } from '../../inventory/target.ts'
import { parseExpression } from '../../nodeset/syntax/parse.ts'
import { exitCode, report, type View } from '../../report/report.ts'
import { type Sinks, standardSinks } from '../../report/sink.ts'
import { folded } from '../../report/views/folded.ts'
import { json } from '../../report/views/json.ts'
import { lines } from '../../report/views/lines.ts'
import { summary } from '../../report/views/summary.ts'
import type { RunEvent } from '../../run/event.ts'
import type { Outcome } from '../../run/outcome.ts'
import type { Order } from '../../site/actions.ts'
import type { Administered } from '../client/admin.ts'
import { rosterWarehouse } from '../client/roster.ts'
import { ORDER } from '../protocol/documents.ts'
import { type Envelope, seal } from '../protocol/envelope.ts'
import { MAX_CONTENT, MAX_LISTED, MAX_ORDER_NAME, MAX_ORDERS_PER_REQUEST } from '../protocol/limits.ts'
import { newId } from '../protocol/names.ts'
import type { Action, Node } from '../store/store.ts'
import { actionsOf, activeNodes, outputOf } from './vo-data.ts'

export interface SendFlags {
  readonly to: string
  /** Milliseconds. */
  readonly expires: number
  /** Milliseconds; 0: no limit. */
  readonly commandTimeout: number
  /** May be run again when it is not known whether it ran. */
  readonly repeatable?: boolean
  readonly wait?: boolean
  readonly fold?: boolean
  readonly json?: boolean
}

/** What reports call it. */
const nameOf = ({ name, argument }: Order): string => {
  const words =
    typeof argument === 'string'
      ? argument
      : Object.entries(argument)
          .map(([key, value]) => `${key}=${value}`)
          .join(' ')
  return `${name} ${words}`.trim().slice(0, MAX_ORDER_NAME / 2)
}

/** Milliseconds between looks at how far the actions are. */
const POLL_MS = 1000

/** Signs and sends an order for each node; with `wait`, reports them like a run. Returns the exit code. */
export const send = async (vo: Administered, ordered: Order, flags: SendFlags, io: Abortable): Promise<number> => {
  const sinks = standardSinks()
  const nodes = await activeNodes(vo, io)
  const targets = await targetsOf(nodes, flags.to, io)
  if (targets.length === 0) throw new StokerError('UNKNOWN_NAME', flags.to, `${flags.to} means no node of VO ${vo.vo}`)
  if (targets.length > MAX_LISTED)
    throw new StokerError(
      'USAGE',
      flags.to,
      `${flags.to} means ${targets.length} nodes; ${MAX_LISTED} are the most at once`,
    )
  const batch = newId('a')
  const issued = Date.now()
  const { actor, argument } = ordered
  const name = nameOf(ordered)
  const actions = targets.map(target => ({ id: newId('a'), target }))
  const documents = actions.map(({ id, target }) => {
    const order = { vo: vo.vo, id, node: String(target.vars.id), name, actor: actor.name, argument }
    const terms = {
      issued,
      expires: issued + flags.expires,
      repeatable: flags.repeatable === true,
      timeLimit: flags.commandTimeout,
    }
    return seal(ORDER, { ...order, ...terms }, vo.key)
  })
  for (const some of requestsOf(documents)) await vo.json('POST', '/actions', { batch, name, documents: some }, io)
  await sinks.stderr.write(`pulley: ${batch}: ${name} for ${targets.length} node${targets.length === 1 ? '' : 's'}\n`)
  if (!flags.wait) {
    await sinks.stdout.write(flags.json ? `${JSON.stringify({ batch, actions: actions.length })}\n` : `${batch}\n`)
    await sinks.stdout.flush()
    return 0
  }
  const result = await report(follow(vo, batch, actions, io), viewsOf(flags, sinks))
  return exitCode(result, { worst: false, interrupted: false })
}

/** So many orders in one request, by their number and their size. */
const ORDERS_PER_REQUEST = MAX_ORDERS_PER_REQUEST / 2
const BYTES_PER_REQUEST = MAX_CONTENT / 2

const requestsOf = (documents: readonly Envelope[]): readonly (readonly Envelope[])[] => {
  const requests: Envelope[][] = [[]]
  let size = 0
  for (const document of documents) {
    size += document.payload.length
    if (size > BYTES_PER_REQUEST || requests.at(-1)?.length === ORDERS_PER_REQUEST) {
      requests.push([])
      size = document.payload.length
    }
    requests.at(-1)?.push(document)
  }
  return requests
}

export const viewsOf = ({ fold, json: asJson }: Pick<SendFlags, 'fold' | 'json'>, sinks: Sinks): readonly View[] => {
  if (asJson) return [json(sinks.stdout)]
  const output = fold ? folded(sinks.stdout) : lines(sinks, { label: true })
  return [output, summary(sinks.stderr, { verbose: false, quiet: false })]
}

/** The nodes of an expression over names and roles. */
export const targetsOf = async (
  nodes: readonly Node[],
  expression: string,
  io: Abortable,
): Promise<readonly Target[]> => {
  await using roster = rosterWarehouse('pulley', async () => ({ nodes, roles: [] }))
  return dedup(await resolve(parseExpression(expression), [roster], { ...io, allowUnknown: false, readList }))
}

type Sent = { readonly id: string; readonly target: Target }

/** The events of orders which were sent, until all have ended. */
export async function* follow(
  vo: Administered,
  batch: string,
  sent: readonly Sent[],
  io: Abortable,
): AsyncGenerator<RunEvent, void, void> {
  const open = new Map(sent.map(one => [one.id, one.target]))
  const started = new Set<string>()
  while (open.size > 0) {
    const actions = await actionsOf(vo, { batch, limit: MAX_LISTED }, io)
    for (const action of actions) {
      const target = open.get(action.id)
      if (!target) continue
      if (action.started !== undefined && !started.has(action.id)) {
        started.add(action.id)
        yield { kind: 'started', target }
      }
      const outcome = outcomeOf(action)
      if (!outcome) continue
      open.delete(action.id)
      if (action.started !== undefined)
        for (const { stream, data } of await outputOf(vo, action.id, io))
          yield { kind: 'output', target, output: { stream, data } }
      yield {
        kind: 'finished',
        target,
        outcome,
        timing: { total: (action.finished ?? action.created) - (action.started ?? action.created) },
      }
    }
    if (open.size > 0) await pause(POLL_MS, io)
  }
}

/** How an action ended, in the words of a run; `undefined`: it has not. */
export const outcomeOf = ({ id, state, result }: Action): Outcome | undefined => {
  const report = result && result.state !== undefined ? result : undefined
  const message = report?.message
  switch (state) {
    case 'queued':
    case 'fetched':
    case 'started':
      return undefined
    case 'done':
      return { kind: 'ok', changed: report?.changed ?? true, ...(message && { detail: message }) }
    case 'failed': {
      const error = new StokerError('COMMAND_FAILED', id, message ?? 'failed')
      return {
        ...{ kind: 'failed', error },
        ...(report?.exitCode !== undefined && { exitCode: report.exitCode }),
        ...(report?.signal !== undefined && { signal: report.signal }),
      }
    }
    case 'unknown':
      return {
        kind: 'failed',
        error: new StokerError('CONNECTION_LOST', id, `not known whether it finished: ${message ?? ''}`),
      }
    case 'cancelled':
      return { kind: 'cancelled', error: new StokerError('CANCELLED', id, message ?? 'cancelled') }
    case 'expired':
      return { kind: 'not-started' }
  }
}
