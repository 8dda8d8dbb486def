/**
 * One-shot orders: taken when they are signed for this very node, run at most once, and reported until the server has it. The
 * journal is written before and after; the server has to agree before anything runs.
 */
import { randomBytes } from 'node:crypto'
import type { Abortable } from '../../../base/abortable.ts'
import { StokerError, toStokerError } from '../../../base/errors.ts'
import type { Output } from '../../../connection/connection.ts'
import type { Outcome } from '../../../run/outcome.ts'
import { ORDER, type Order } from '../../protocol/documents.ts'
import { type Envelope, open } from '../../protocol/envelope.ts'
import type { ActionReport } from '../../protocol/messages.ts'
import type { ServerLink } from '../server-link.ts'
import { actionReport, fitting } from './action-report.ts'
import type { Entry, Journal } from './journal.ts'
import { OutputPieces } from './output-pieces.ts'

/** Runs an order's actor on this machine. */
export type RunActor = (
  actor: string,
  argument: Order['argument'],
  io: Abortable,
) => AsyncGenerator<Output, Outcome, void>

export interface OrdersOptions {
  readonly vo: string
  readonly node: string
  readonly journal: Journal
  readonly link: Pick<ServerLink, 'post'>
  readonly runActor: RunActor
  /** The VO's key as it is now. */
  voKey(): string
  /** The latest that any clock which counts says. */
  now(): number
  readonly say: (line: string) => void
  /** Bytes of output which are kept of one action. */
  readonly outputLimit: number
}

export class Orders {
  readonly #options: OrdersOptions
  /** What was started last, to be stopped. */
  #running: { readonly id: string; readonly stop: AbortController } | undefined

  constructor(options: OrdersOptions) {
    this.#options = options
  }

  /** After a start: what was running when the agent ended has an unknown end, unless it may be run again. */
  async recover(): Promise<void> {
    const { journal } = this.#options
    for (const entry of await journal.entries()) {
      if (entry.state !== 'running') continue
      const order = this.#open(entry.envelope)
      const interrupted = { ...entry, pieces: Math.max(entry.pieces, await journal.pieces(entry.id)) }
      if (order?.repeatable) await journal.put({ ...interrupted, state: 'asking' })
      else
        await this.#end(interrupted, { state: 'unknown', at: Date.now(), message: 'the agent was ended while it ran' })
    }
  }

  /** Whether any of them is not in the journal. */
  async isNew(documents: readonly Envelope[]): Promise<boolean> {
    for (const document of documents) {
      const order = this.#open(document)
      if (order && !(await this.#options.journal.has(order.id))) return true
    }
    return false
  }

  /** The state folder was put back: what was only asked for may have been done in the time which is forgotten. */
  async markAskedUnknown(): Promise<void> {
    for (const entry of await this.#options.journal.entries())
      if (entry.state === 'asking')
        await this.#end(entry, {
          state: 'unknown',
          at: Date.now(),
          message: "the node's state was put back to an earlier one",
        })
  }

  /** Takes orders into the journal; those which are not for this node, or not signed by the VO, are refused and logged. */
  async take(documents: readonly Envelope[]): Promise<void> {
    const { journal, say } = this.#options
    for (const document of documents) {
      const order = this.#open(document)
      if (!order || (await journal.has(order.id))) continue
      await journal.take(order.id, document, randomBytes(12).toString('base64url'), order.expires)
      say(`action ${order.id}: taken: ${order.name}`)
    }
  }

  /** Ends what shall not go on. */
  cancel(ids: readonly string[]): void {
    if (this.#running && ids.includes(this.#running.id)) this.#running.stop.abort(new Error('cancelled'))
  }

  /** Runs everything that may be run, one after the other, and reports the results. */
  async runAll(io: Abortable): Promise<void> {
    for (const entry of await this.#options.journal.entries()) {
      io.signal.throwIfAborted()
      if (entry.state === 'asking') await this.#start(entry, io)
    }
    await this.reportResults(io)
  }

  /** Reports the results which the server does not have yet. */
  async reportResults(io: Abortable): Promise<void> {
    for (const entry of await this.#options.journal.entries())
      if (entry.state === 'ended' && entry.result) await this.#reportResult(entry, entry.result, io)
  }

  async #reportResult(entry: Entry, result: ActionReport, io: Abortable): Promise<void> {
    const { journal, link, say } = this.#options
    try {
      await this.#sendPieces(entry, io)
      const answer = await link.post(`/v1/actions/${entry.id}`, result, io)
      if (answer.kind === 'refused') say(`action ${entry.id}: the server takes no end of it: ${answer.why}`)
      await journal.put({ ...entry, state: 'told' })
    } catch (thrown) {
      // One which the server cannot take keeps no other back; it is tried again.
      if (!(thrown instanceof StokerError && thrown.code === 'REFUSED')) throw thrown
      say(`action ${entry.id}: ${thrown.message}`)
    }
  }

  async #start(entry: Entry, io: Abortable): Promise<void> {
    const { journal, link, say } = this.#options
    const order = this.#open(entry.envelope)
    if (!order) return void (await journal.put({ ...entry, state: 'told' }))
    const now = this.#options.now()
    if (order.expires <= now) {
      const message = `expired at ${new Date(order.expires).toISOString()}; it was ${new Date(now).toISOString()}`
      return void (await this.#end(entry, { state: 'expired', at: Date.now(), message }))
    }
    const at = Date.now()
    const answer = await link.post(`/v1/actions/${entry.id}`, { state: 'started', at, attempt: entry.attempt }, io)
    if (answer.kind === 'refused') {
      say(`action ${entry.id}: not run: ${answer.why}`)
      return void (await journal.put({ ...entry, state: 'told' }))
    }
    // What an earlier run of it has printed comes before what this one will.
    const sent = await this.#sendPieces(entry, io)
    await this.#run(await journal.put({ ...entry, sent, state: 'running', began: at }), order, io)
  }

  async #run(entry: Entry, order: Order, io: Abortable): Promise<void> {
    const { journal, runActor, outputLimit } = this.#options
    const stop = new AbortController()
    this.#running = { id: entry.id, stop }
    const late = order.timeLimit > 0 ? [AbortSignal.timeout(order.timeLimit)] : []
    const isLate = () => late.some(({ aborted }) => aborted) && !stop.signal.aborted && !io.signal.aborted
    const live = new LiveOutput(this.#options.link, entry.id, entry.pieces, io)
    const put = async (piece: number, stream: Output['stream'], data: Uint8Array) => {
      await journal.putPiece(entry.id, piece, stream, data)
      live.send(piece, stream, data)
    }
    const pieces = new OutputPieces(outputLimit, put, entry.pieces)
    let result: ActionReport
    try {
      const signal = AbortSignal.any([io.signal, stop.signal, ...late])
      const running = runActor(order.actor, order.argument, { signal })
      for (;;) {
        const step = await running.next()
        if (step.done) {
          result = actionReport(step.value)
          break
        }
        await pieces.add(step.value)
      }
    } catch (thrown) {
      // An agent which is told to end ends the action as well, and says so.
      const state = stop.signal.aborted || io.signal.aborted ? 'cancelled' : 'failed'
      result = { state, at: Date.now(), message: fitting(toStokerError(thrown, entry.id).message) }
    }
    if (isLate())
      result = { state: 'failed', at: Date.now(), message: `not done within ${order.timeLimit / 1000} s; ended` }
    await pieces.end()
    const sent = await live.end()
    for (let piece = entry.sent; piece < sent; piece++) await journal.removePiece(entry.id, piece)
    const truncated = pieces.truncated ? { truncated: true } : {}
    await this.#end({ ...entry, pieces: pieces.count, sent }, { ...result, ...truncated } as ActionReport)
  }

  #end(entry: Entry, result: ActionReport): Promise<Entry> {
    this.#options.say(`action ${entry.id}: ${result.state}`)
    return this.#options.journal.put({ ...entry, state: 'ended', result })
  }

  /** How many pieces the server has then. */
  async #sendPieces(entry: Entry, io: Abortable): Promise<number> {
    const { journal, link } = this.#options
    for (let piece = entry.sent; piece < entry.pieces; piece++) {
      const kept = await journal.piece(entry.id, piece)
      if (kept) await link.post(`/v1/actions/${entry.id}/output`, bodyOf(piece, kept.stream, kept.data), io)
      await journal.put({ ...entry, sent: piece + 1 })
      await journal.removePiece(entry.id, piece)
    }
    return entry.pieces
  }

  /** The order, when it is one for this node. */
  #open(document: Envelope): Order | undefined {
    const { vo, node, say } = this.#options
    try {
      const order = open(ORDER, document, this.#options.voKey())
      if (order.vo === vo && order.node === node) return order
      say(`an order is refused: it is for node ${order.node} of VO ${order.vo}`)
    } catch (thrown) {
      say(toStokerError(thrown, 'order').message)
    }
    return undefined
  }
}

const bodyOf = (piece: number, stream: Output['stream'], data: Uint8Array) => ({
  ...{ piece, stream, data: Buffer.from(data).toString('base64') },
})

/** Sends pieces while the action runs, as long as that works; the rest is sent when it has ended. */
class LiveOutput {
  readonly #link: Pick<ServerLink, 'post'>
  readonly #action: string
  readonly #io: Abortable
  #sending: Promise<void> = Promise.resolve()
  #isSending = true
  #sent: number

  /** `sent`: how many pieces the server has already. */
  constructor(link: Pick<ServerLink, 'post'>, action: string, sent: number, io: Abortable) {
    this.#link = link
    this.#action = action
    this.#sent = sent
    this.#io = io
  }

  /** In the background: the action does not wait for the network. */
  send(piece: number, stream: Output['stream'], data: Uint8Array): void {
    this.#sending = this.#sending.then(async () => {
      // The server is to have the pieces from the first, without a hole.
      if (!this.#isSending) return
      try {
        await this.#link.post(`/v1/actions/${this.#action}/output`, bodyOf(piece, stream, data), this.#io)
        this.#sent = piece + 1
      } catch {
        this.#isSending = false // it is on disk, and is sent with the end
      }
    })
  }

  /** How many pieces, from the first, the server has. */
  async end(): Promise<number> {
    await this.#sending
    return this.#sent
  }
}
