/** The agent: polls, obeys its VO and nobody else, converges, and reports the result. */
import { type Abortable, pause } from '../../base/abortable.ts'
import { toStokerError } from '../../base/errors.ts'
import { harmlessMessage } from '../../base/printable.ts'
import { backOff } from '../../base/retry.ts'
import { SUCCESSION } from '../protocol/documents.ts'
import { type Envelope, open } from '../protocol/envelope.ts'
import { MAX_ORDERS_PER_POLL } from '../protocol/limits.ts'
import type { PollAnswer } from '../protocol/messages.ts'
import type { ConvergeOptions } from './bundle/converge.ts'
import { CurrentBundle } from './bundle/current-bundle.ts'
import { trustedNow } from './clock.ts'
import { enrolClone } from './clone.ts'
import { Journal } from './orders/journal.ts'
import { Orders, type RunActor } from './orders/orders.ts'
import { millisecondsToSlot, slotOf, waitForNetwork } from './poll-schedule.ts'
import { ServerLink } from './server-link.ts'
import { AgentIdentity } from './state/agent-identity.ts'
import type { Folder } from './state/folder.ts'
import { Spool } from './state/spool.ts'

export interface AgentOptions {
  readonly folder: Folder
  readonly actors: ConvergeOptions['actors']
  readonly connect: ConvergeOptions['connect']
  readonly runActor: RunActor
  /** Seconds for which a poll may wait for news; 0: not at all. */
  readonly wait: number
  readonly say: (line: string) => void
}

/** Milliseconds for which the journal keeps an action which has ended. */
const KEEP_ACTIONS_MS = 30 * 24 * 3_600_000
/** Seconds between polls before the server has said how many. */
const DEFAULT_INTERVAL = 60
/** Milliseconds between tries while nobody answers. */
const RETRY = { first: 5_000, most: 5 * 60_000 }
/** Milliseconds until the first poll, at most. What is on disk is applied after it: it may have been put back, and be old. */
const MAX_START_DELAY_MS = 2000
/** Bytes of an action's output. */
const OUTPUT_LIMIT = 1024 * 1024

const isSignedBy = (document: Envelope, key: string): boolean => {
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
  readonly #self: AgentIdentity
  #link: ServerLink
  #orders: Orders
  #bundle: CurrentBundle
  /** Orders and reports go their own ways: an action which takes hours keeps no report back. */
  #runningOrders: Promise<void> = Promise.resolve()
  #deliveringReports: Promise<void> = Promise.resolve()
  #failures = 0
  /** Seconds between polls, as the server last said. */
  #interval = DEFAULT_INTERVAL

  private constructor(options: AgentOptions, self: AgentIdentity) {
    // What servers say ends on terminals and in logs.
    this.#options = { ...options, say: line => options.say(harmlessMessage(line)) }
    this.#spool = new Spool(options.folder)
    this.#journal = new Journal(options.folder)
    this.#self = self
    this.#link = this.#newLink()
    this.#orders = this.#newOrders()
    this.#bundle = this.#newBundle()
  }

  /** Reads the folder, and brings to an end what an earlier agent left in the middle. */
  static async open(options: AgentOptions): Promise<PulleyAgent> {
    const agent = new PulleyAgent(options, await AgentIdentity.open(options.folder))
    await agent.#orders.recover()
    await agent.#bundle.load()
    return agent
  }

  /** Polls and converges until the signal aborts. */
  async run(io: Abortable): Promise<void> {
    const slot = slotOf(this.#self.identity.node)
    // Machines which start together do not ask together.
    await pause(Math.random() * MAX_START_DELAY_MS, io)
    for (;;) {
      const seconds = await this.#cycle(io)
      if (seconds !== undefined) {
        const waited = this.#options.wait > 0
        await pause(waited ? 1000 : millisecondsToSlot(slot, seconds, Date.now(), Math.random()), io)
      } else {
        const first = Math.min(RETRY.first, this.#interval * 1000)
        const wait = backOff(this.#failures, { ...RETRY, first })
        if ((await waitForNetwork(wait, io)) === 'changed') this.#failures = 0
      }
    }
  }

  /** One poll with all that follows from it; `false`: there was no answer. */
  async once(io: Abortable): Promise<boolean> {
    const seconds = await this.#cycle(io)
    await this.#settled()
    return seconds !== undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settled()
    await this.#link[Symbol.asyncDispose]()
  }

  /** One poll, and what follows from it. Seconds until the next; `undefined`: nobody answered. */
  async #cycle(io: Abortable): Promise<number | undefined> {
    const waiting = this.#bundle.isSettled ? this.#options.wait : 0
    const polled = await this.#link.poll(waiting, io).catch(thrown => this.#noContact(thrown, io))
    if (polled?.kind === 'clone') return await this.#becomeNewNode(io)
    // A bundle which is in use again is tried at once.
    if (await this.#bundle.judgeTrial(polled !== undefined, io)) this.#failures = 0
    if (polled) {
      this.#failures = 0
      this.#interval = polled.next
      if (polled.kind === 'news') await this.#takeAnswer(polled.answer, io)
    }
    await this.#bundle.converge(io)
    // Whether there is contact is tried from the beginning: an open connection lives on where none could be made.
    if (this.#self.progress.trial) this.#link.reconnect()
    if (!polled) return undefined
    // Orders take their time; polls go on meanwhile, so that they can be cancelled.
    this.#runningOrders = this.#runningOrders.then(() =>
      this.#retryNextCycle(io, async () => {
        await this.#orders.runAll(io)
        await this.#journal.prune(Date.now() - KEEP_ACTIONS_MS)
      }),
    )
    this.#deliveringReports = this.#deliveringReports.then(() =>
      this.#retryNextCycle(io, () => this.#spool.deliver(this.#link, io)),
    )
    return polled.next
  }

  /** What fails is logged, and tried again in the next cycle. */
  async #retryNextCycle(io: Abortable, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      if (!io.signal.aborted) this.#options.say(toStokerError(thrown, 'agent').message)
    }
  }

  async #settled(): Promise<void> {
    await Promise.all([this.#runningOrders, this.#deliveringReports])
  }

  #noContact(thrown: unknown, io: Abortable): undefined {
    io.signal.throwIfAborted()
    this.#failures++
    this.#options.say(`no contact (${this.#failures}): ${toStokerError(thrown, 'poll').message}`)
  }

  async #takeAnswer(answer: PollAnswer, io: Abortable): Promise<void> {
    for (const document of answer.successions) await this.#followSuccession(document)
    await this.#takeOrders(answer, io)
    await this.#bundle.takeOffer(answer.bundle, io)
  }

  /** The server knows this turn before anything is done in it: a state folder which was put back is found by its lower turn. */
  async #takeOrders({ orders, cancelled }: PollAnswer, io: Abortable): Promise<void> {
    this.#orders.cancel(cancelled)
    if (orders.length === 0) return
    try {
      if (await this.#orders.isNew(orders)) await this.#link.announceSession(io)
      await this.#orders.take(orders)
      // There may be more than fit into one answer.
      if (orders.length >= MAX_ORDERS_PER_POLL) this.#link.resetEtag()
    } catch (thrown) {
      io.signal.throwIfAborted()
      this.#link.resetEtag()
      this.#options.say(`orders are not taken yet: ${toStokerError(thrown, 'orders').message}`)
    }
  }

  /** The VO's key has been handed on by the one which is pinned here. */
  async #followSuccession(document: Envelope): Promise<void> {
    const { vo, voKey, formerKeys } = this.#self.identity
    try {
      const { successor, vo: named } = open(SUCCESSION, document, voKey)
      if (named !== vo) return
      await this.#self.changeVoKey(successor)
      this.#options.say(`the key of VO ${vo} has been handed on to ${successor}`)
    } catch (thrown) {
      // One which is by an earlier key has been followed already.
      if (!formerKeys.some(key => isSignedBy(document, key)))
        this.#options.say(toStokerError(thrown, 'succession').message)
    }
  }

  /** The state folder was copied to this machine from another one. */
  async #becomeNewNode(io: Abortable): Promise<number | undefined> {
    const { folder, say } = this.#options
    say(`this machine is a clone of node ${this.#self.identity.node}: it enrols anew`)
    await this.#settled()
    try {
      await enrolClone(folder, this.#self, io)
    } catch (thrown) {
      if (toStokerError(thrown, 'enrol').code === 'CONNECT_FAILED') return this.#noContact(thrown, io)
      throw thrown
    }
    await this.#link[Symbol.asyncDispose]()
    this.#link = this.#newLink()
    this.#orders = this.#newOrders()
    this.#bundle = this.#newBundle()
    const { name, node } = this.#self.identity
    say(`this machine is node ${name} (${node}) now`)
    return 1
  }

  #now(): number {
    return trustedNow(this.#link.now(), this.#self.progress)
  }

  #newLink(): ServerLink {
    const self = this.#self
    return new ServerLink(self.identity, {
      increment: async () => {
        await self.saveProgress({ turn: self.progress.turn + 1 })
        return { turn: self.progress.turn, serial: self.progress.current }
      },
      onRollback: async () => {
        this.#options.say('the server has seen a later state of this node: its state folder was put back')
        await this.#orders.markAskedUnknown()
        // So that the next turn is a new one, also for the server.
        await self.saveProgress({ turn: self.progress.turn + 1000 })
      },
    })
  }

  #newOrders(): Orders {
    const { runActor, say } = this.#options
    const { vo, node } = this.#self.identity
    return new Orders({
      ...{ vo, node, journal: this.#journal, link: this.#link, runActor, say },
      voKey: () => this.#self.identity.voKey,
      now: () => this.#now(),
      outputLimit: OUTPUT_LIMIT,
    })
  }

  #newBundle(): CurrentBundle {
    const { folder, actors, connect, say } = this.#options
    const [self, spool, link] = [this.#self, this.#spool, this.#link]
    return new CurrentBundle({ folder, actors, connect, say, self, spool, link, now: () => this.#now() })
  }
}
