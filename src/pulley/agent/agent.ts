/** The agent: polls, obeys its VO and nobody else, converges, and tells what came of it. */
import { setTimeout } from 'node:timers/promises'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import { harmlessMessage } from '../../base/printable.ts'
import { SUCCESSION } from '../protocol/documents.ts'
import { type Envelope, open } from '../protocol/envelope.ts'
import type { PollAnswer } from '../protocol/messages.ts'
import type { ConvergeOptions } from './bundle/converge.ts'
import { Desired } from './bundle/desired.ts'
import { trustedNow } from './clock.ts'
import { enrol } from './enrol.ts'
import { Link } from './link.ts'
import { Journal } from './orders/journal.ts'
import { Orders, type Perform } from './orders/orders.ts'
import { backOff, slotOf, untilSlot, waitForNetwork } from './poll-schedule.ts'
import { Standing } from './state/agent-identity.ts'
import type { Folder } from './state/folder.ts'
import { Spool } from './state/spool.ts'

export interface AgentOptions {
  readonly folder: Folder
  readonly actors: ConvergeOptions['actors']
  readonly connect: ConvergeOptions['connect']
  readonly perform: Perform
  /** Seconds for which a poll may wait for news; 0: not at all. */
  readonly wait: number
  readonly say: (line: string) => void
}

/** Milliseconds for which an order which has ended is remembered. */
const REMEMBER = 30 * 24 * 3_600_000
/** What the server gives in one answer. */
const MOST_ORDERS = 100
/** Seconds: between polls before the server has said how many, and before the second try. */
const USUAL_INTERVAL = 60
const RETRY = 5
/** Milliseconds until the first poll, at most. What is on disk is applied after it: it may have been put back, and be old. */
const FIRST_MS = 2000
/** Bytes of an action's output. */
const OUTPUT_LIMIT = 1024 * 1024

const isBy = (document: Envelope, key: string): boolean => {
  try {
    return open(SUCCESSION, document, key) !== undefined
  } catch {
    return false // that is the answer
  }
}

export class PulleyAgent implements AsyncDisposable {
  readonly #options: AgentOptions
  readonly #spool: Spool
  readonly #journal: Journal
  readonly #standing: Standing
  #link: Link
  #orders: Orders
  #desired: Desired
  /** Orders and reports go their own ways: an action which takes hours keeps no report back. */
  #working: Promise<void> = Promise.resolve()
  #telling: Promise<void> = Promise.resolve()
  #failures = 0
  /** Seconds between polls, as the server last said. */
  #interval = USUAL_INTERVAL

  private constructor(options: AgentOptions, standing: Standing) {
    // What servers say ends on terminals and in logs.
    this.#options = { ...options, say: line => options.say(harmlessMessage(line)) }
    this.#spool = new Spool(options.folder)
    this.#journal = new Journal(options.folder)
    this.#standing = standing
    this.#link = this.#newLink()
    this.#orders = this.#newOrders()
    this.#desired = this.#newDesired()
  }

  /** Reads the folder, and brings to an end what an earlier agent left in the middle. */
  static async open(options: AgentOptions): Promise<PulleyAgent> {
    const agent = new PulleyAgent(options, await Standing.open(options.folder))
    await agent.#orders.recover()
    await agent.#desired.recall()
    return agent
  }

  /** Polls and converges until the signal aborts. */
  async run(io: Abortable): Promise<void> {
    const slot = slotOf(this.#standing.identity.node)
    // Machines which start together do not ask together.
    await setTimeout(Math.random() * FIRST_MS, undefined, io)
    for (;;) {
      const seconds = await this.#turn(io)
      if (seconds !== undefined) {
        const waited = this.#options.wait > 0
        await setTimeout(waited ? 1000 : untilSlot(slot, seconds, Date.now(), Math.random()), undefined, io)
      } else {
        const pause = backOff(this.#failures, Math.min(RETRY, this.#interval), Math.random())
        if ((await waitForNetwork(pause, io)) === 'changed') this.#failures = 0
      }
    }
  }

  /** One poll with all that follows from it; `false`: there was no answer. */
  async once(io: Abortable): Promise<boolean> {
    const seconds = await this.#turn(io)
    await this.#settled()
    return seconds !== undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settled()
    await this.#link[Symbol.asyncDispose]()
  }

  /** Seconds until the next poll; `undefined`: nobody answered. */
  async #turn(io: Abortable): Promise<number | undefined> {
    const waiting = this.#desired.isSettled ? this.#options.wait : 0
    const polled = await this.#link.poll(waiting, io).catch(thrown => this.#noContact(thrown, io))
    if (polled?.kind === 'clone') return await this.#becomeAnother(io)
    // The turn of a bundle which is in use again begins at once.
    if (await this.#desired.judge(polled !== undefined, io)) this.#failures = 0
    if (polled) {
      this.#failures = 0
      this.#interval = polled.next
      if (polled.kind === 'news') await this.#hear(polled.answer, io)
    }
    await this.#desired.converge(io)
    // Whether there is contact is tried from the beginning: an open connection lives on where none could be made.
    if (this.#standing.progress.trial) this.#link.anew()
    if (!polled) return undefined
    // Orders take their time; polls go on meanwhile, so that they can be cancelled.
    this.#working = this.#working.then(() =>
      this.#attempt(io, async () => {
        await this.#orders.work(io)
        await this.#journal.prune(Date.now() - REMEMBER)
      }),
    )
    this.#telling = this.#telling.then(() => this.#attempt(io, () => this.#spool.deliver(this.#link, io)))
    return polled.next
  }

  /** What fails is tried again at the next turn. */
  async #attempt(io: Abortable, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      if (!io.signal.aborted) this.#options.say(toStokerError(thrown, 'agent').message)
    }
  }

  async #settled(): Promise<void> {
    await Promise.all([this.#working, this.#telling])
  }

  #noContact(thrown: unknown, io: Abortable): undefined {
    io.signal.throwIfAborted()
    this.#failures++
    this.#options.say(`no contact (${this.#failures}): ${toStokerError(thrown, 'poll').message}`)
  }

  async #hear(answer: PollAnswer, io: Abortable): Promise<void> {
    for (const document of answer.successions) await this.#succeed(document)
    await this.#takeOrders(answer, io)
    await this.#desired.hear(answer.bundle, io)
  }

  /** The server knows this turn before anything is done in it: a state folder from before tells itself by its turn. */
  async #takeOrders({ orders, cancelled }: PollAnswer, io: Abortable): Promise<void> {
    this.#orders.cancel(cancelled)
    if (orders.length === 0) return
    try {
      if (await this.#orders.isNew(orders)) await this.#link.tellTurn(io)
      await this.#orders.take(orders)
      // There may be more than fit into one answer.
      if (orders.length >= MOST_ORDERS) this.#link.forget()
    } catch (thrown) {
      io.signal.throwIfAborted()
      this.#link.forget()
      this.#options.say(`orders are not taken yet: ${toStokerError(thrown, 'orders').message}`)
    }
  }

  /** The VO's key has been handed on by the one which is pinned here. */
  async #succeed(document: Envelope): Promise<void> {
    const { vo, voKey, formerKeys } = this.#standing.identity
    try {
      const { successor, vo: named } = open(SUCCESSION, document, voKey)
      if (named !== vo) return
      await this.#standing.succeed(successor)
      this.#options.say(`the key of VO ${vo} has been handed on to ${successor}`)
    } catch (thrown) {
      // One which is by an earlier key has been followed already.
      if (!formerKeys.some(key => isBy(document, key))) this.#options.say(toStokerError(thrown, 'succession').message)
    }
  }

  /** This folder was copied to another machine: it forgets who it was, and asks to be somebody of its own. */
  async #becomeAnother(io: Abortable): Promise<number | undefined> {
    const { tokenFile, servers, vo, ca, node, voKey, formerKeys } = this.#standing.identity
    const { folder, say } = this.#options
    const clone = `this machine is a clone of node ${node}`
    say(`${clone}: it enrols anew`)
    if (tokenFile === undefined)
      throw new StokerError('AGENT_STATE', node, `${clone}, and there is no token to enrol anew with`)
    await this.#settled()
    // What another has done, or is to tell, is not this one's.
    for (const name of ['actions', 'reports', 'last-report.json']) await folder.remove(name)
    try {
      const pinned = { voKey, formerKeys }
      const identity = await enrol(folder, { servers, vo, tokenFile, ca, cloneOf: node, pinned }, io)
      this.#standing.become(identity)
    } catch (thrown) {
      const error = toStokerError(thrown, 'enrol')
      if (error.code === 'CONNECT_FAILED') return this.#noContact(error, io)
      throw new StokerError(error.code, error.subject, `${clone}, and cannot enrol anew: ${error.message}`, {
        cause: thrown,
      })
    }
    await this.#link[Symbol.asyncDispose]()
    for (const name of ['bundles', 'undo']) await folder.remove(name)
    this.#link = this.#newLink()
    this.#orders = this.#newOrders()
    this.#desired = this.#newDesired()
    const own = this.#standing.identity
    say(`this machine is node ${own.name} (${own.node}) now`)
    return 1
  }

  #now(): number {
    return trustedNow(this.#link.now(), this.#standing.progress)
  }

  #newLink(): Link {
    const standing = this.#standing
    return new Link(standing.identity, {
      next: async () => {
        await standing.put({ turn: standing.progress.turn + 1 })
        return { turn: standing.progress.turn, serial: standing.progress.current }
      },
      wentBack: async () => {
        this.#options.say('the server has seen a later state of this node: its state folder was put back')
        await this.#orders.doubt()
        // So that the next turn is a new one, also for the server.
        await standing.put({ turn: standing.progress.turn + 1000 })
      },
    })
  }

  #newOrders(): Orders {
    const { perform, say } = this.#options
    const { vo, node } = this.#standing.identity
    return new Orders({
      ...{ vo, node, journal: this.#journal, link: this.#link, perform, say },
      voKey: () => this.#standing.identity.voKey,
      now: () => this.#now(),
      outputLimit: OUTPUT_LIMIT,
    })
  }

  #newDesired(): Desired {
    const { folder, actors, connect, say } = this.#options
    const [standing, spool, link] = [this.#standing, this.#spool, this.#link]
    return new Desired({ folder, actors, connect, say, standing, spool, link, now: () => this.#now() })
  }
}
