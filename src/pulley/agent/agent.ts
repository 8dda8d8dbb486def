/** The agent: polls, obeys its VO and nobody else, converges, and tells what came of it. */
import { setTimeout } from 'node:timers/promises'
import type { Abortable } from '../../abortable.ts'
import { StokerError, toStokerError } from '../../errors.ts'
import { harmlessMessage } from '../../report/harmless.ts'
import { type Bundle, SUCCESSION } from '../protocol/documents.ts'
import { type Envelope, open } from '../protocol/envelope.ts'
import type { PollAnswer, Report } from '../protocol/messages.ts'
import { newId } from '../protocol/names.ts'
import { forget, judge, type Kept, keep, recall } from './bundles.ts'
import { trustedNow } from './clock.ts'
import { applyBundle, type ConvergeOptions, prepareBundle, type Ready } from './converge.ts'
import { enrol } from './enrol.ts'
import type { Folder } from './folder.ts'
import { IDENTITY, type Identity, NO_PROGRESS, PROGRESS, type Progress } from './identity.ts'
import { Journal } from './journal.ts'
import { Link } from './link.ts'
import { Orders, type Perform } from './orders.ts'
import { backOff, slotOf, untilSlot, waitForNetwork } from './pace.ts'
import { Spool } from './spool.ts'
import { stepTrial } from './trial.ts'
import { pathsOf, Undo } from './undo.ts'

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

/** The identity of the folder; throws `AGENT_STATE` when there is none. */
export const identityOf = async (folder: Folder): Promise<Identity> => {
  const identity = await folder.read(IDENTITY.file, IDENTITY.schema)
  if (identity) return identity
  throw new StokerError(
    'AGENT_STATE',
    folder.path,
    `${folder.path} holds no identity: enrol first, with 'pulley enrol'`,
  )
}

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
  readonly #undo: Undo
  #identity: Identity
  #progress: Progress
  #link: Link
  #orders: Orders
  #kept: Kept | undefined
  #ready: Ready | undefined
  #trouble: Report['trouble'] = []
  /** Orders and reports go their own ways: an action which takes hours keeps no report back. */
  #working: Promise<void> = Promise.resolve()
  #telling: Promise<void> = Promise.resolve()
  #failures = 0
  /** Seconds between polls, as the server last said. */
  #interval = USUAL_INTERVAL

  private constructor(options: AgentOptions, identity: Identity, progress: Progress) {
    // What servers say ends on terminals and in logs.
    this.#options = { ...options, say: line => options.say(harmlessMessage(line)) }
    this.#spool = new Spool(options.folder)
    this.#journal = new Journal(options.folder)
    this.#undo = new Undo(options.folder)
    this.#identity = identity
    this.#progress = progress
    this.#link = this.#newLink()
    this.#orders = this.#newOrders()
  }

  /** Reads the folder, and brings to an end what an earlier agent left in the middle. */
  static async open(options: AgentOptions): Promise<PulleyAgent> {
    const identity = await identityOf(options.folder)
    const progress = (await options.folder.read(PROGRESS.file, PROGRESS.schema)) ?? NO_PROGRESS
    const agent = new PulleyAgent(options, identity, progress)
    await agent.#orders.recover()
    await agent.#recall()
    return agent
  }

  /** Polls and converges until the signal aborts. */
  async run(io: Abortable): Promise<void> {
    const slot = slotOf(this.#identity.node)
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
    const waiting = this.#kept && !this.#progress.trial ? this.#options.wait : 0
    const polled = await this.#link.poll(waiting, io).catch(thrown => this.#noContact(thrown, io))
    if (polled?.kind === 'clone') return await this.#becomeAnother(io)
    // What was applied at the turn before is judged by whether there is contact now.
    await this.#judgeTrial(polled !== undefined, io)
    if (polled) {
      this.#failures = 0
      this.#interval = polled.next
      if (polled.kind === 'news') await this.#hear(polled.answer, io)
    }
    await this.#converge(io)
    // Whether there is contact is tried from the beginning: an open connection lives on where none could be made.
    if (this.#progress.trial) this.#link.anew()
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
    this.#trouble = []
    if (answer.bundle) await this.#consider(answer.bundle, io)
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
    const { vo, voKey, formerKeys } = this.#identity
    try {
      const { successor, vo: named } = open(SUCCESSION, document, voKey)
      if (named !== vo) return
      this.#identity = { ...this.#identity, voKey: successor, formerKeys: [voKey, ...formerKeys] }
      await this.#options.folder.write(IDENTITY.file, this.#identity)
      this.#options.say(`the key of VO ${vo} has been handed on to ${successor}`)
    } catch (thrown) {
      // One which is by an earlier key has been followed already.
      if (!formerKeys.some(key => isBy(document, key))) this.#options.say(toStokerError(thrown, 'succession').message)
    }
  }

  async #consider(document: Envelope, io: Abortable): Promise<void> {
    const { vo, voKey, formerKeys } = this.#identity
    const offered = judge(document, vo, [voKey, ...formerKeys], this.#progress, this.#now())
    if (offered.kind === 'same') {
      // What is wrong with the one in use is told again.
      if (!this.#ready) await this.#recall()
      return
    }
    if (offered.kind === 'refused') return this.#refuse(offered.serial, offered.why)
    const { bundle } = offered
    // Seen is seen, whatever comes of it: nothing older is taken any more.
    await this.#put({ seen: bundle.serial, notBefore: Math.max(this.#progress.notBefore, bundle.issued) })
    const kept = await this.#fetch(document, bundle, io)
    if (!kept) return
    try {
      this.#ready = await prepareBundle(kept, this.#converging(), io)
    } catch (thrown) {
      io.signal.throwIfAborted()
      return this.#refuse(
        bundle.serial,
        `bundle ${bundle.serial} is not taken: ${toStokerError(thrown, 'bundle').message}`,
      )
    }
    this.#kept = kept
    await this.#undo.forget()
    const trial = { serial: bundle.serial, stage: 'trying', failures: 0, suspect: false, turns: 0 } as const
    await this.#put({ current: bundle.serial, trial })
    this.#options.say(`bundle ${bundle.serial}: taken`)
    await forget(this.#options.folder, [bundle.serial, this.#progress.confirmed])
  }

  async #fetch(document: Envelope, bundle: Bundle, io: Abortable): Promise<Kept | undefined> {
    try {
      return await keep(this.#options.folder, document, bundle, await this.#link.content(bundle.content.sha256, io))
    } catch (thrown) {
      io.signal.throwIfAborted()
      // It is asked for again: it may have been the network's fault, or the disk's.
      this.#link.forget()
      this.#refuse(bundle.serial, `bundle ${bundle.serial} is not taken: ${toStokerError(thrown, 'bundle').message}`)
      return undefined
    }
  }

  #refuse(serial: number, message: string): void {
    this.#options.say(`${message}; bundle ${this.#progress.current} stays`)
    const kind = this.#progress.reverted.includes(serial) ? 'reverted' : 'refused'
    this.#trouble = [{ kind, serial, message: message.slice(0, 1000) }]
  }

  async #judgeTrial(contact: boolean, io: Abortable): Promise<void> {
    const step = stepTrial(this.#progress, contact)
    if (step.kind === 'none') return
    const { say } = this.#options
    await this.#put(step.progress)
    if (step.kind === 'confirmed') await this.#undo.forget()
    if (step.kind === 'take-back') {
      say(`no contact since bundle ${step.serial}: back to bundle ${step.progress.current}`)
      // Its turn begins at once.
      this.#failures = 0
      await this.#recall()
      const written = new Set<string>()
      if (this.#ready)
        await this.#spool.add(
          await this.#apply(this.#ready, this.#progress.current, false, io, async changes => {
            for (const path of pathsOf(changes)) written.add(path)
          }),
        )
      const back = await this.#undo.putBack(written)
      if (back.length > 0) say(`put back: ${back.join(', ')}`)
    }
    if (step.kind === 'again') {
      const why = contact
        ? 'there is contact without it; it is tried once more'
        : 'there is no contact without it either'
      say(`bundle ${step.serial}: ${why}`)
      await this.#recall()
    }
    if (step.kind === 'condemned')
      this.#refuse(step.serial, `bundle ${step.serial} cost the contact to the server twice, and is taken back`)
  }

  /** Applies the bundle in use, and keeps the report. */
  async #converge(io: Abortable): Promise<void> {
    const ready = this.#ready
    const kept = this.#kept
    if (!ready || !kept) {
      if (this.#trouble.length > 0) await this.#spool.add(this.#empty())
      return
    }
    const { serial, expires } = kept.bundle
    const settled = this.#progress.settled === serial
    const trying = this.#progress.trial?.serial === serial && this.#progress.trial.stage === 'trying'
    const report = await this.#apply(ready, serial, settled, io, changes =>
      trying ? this.#undo.keep(changes) : undefined,
    )
    const now = this.#now()
    const stale = {
      kind: 'stale',
      serial,
      message: `bundle ${serial} expired at ${new Date(expires).toISOString()}`,
    } as const
    await this.#spool.add({ ...report, trouble: [...this.#trouble, ...(expires <= now ? [stale] : [])] })
    if (report.counts.failed === 0 && !settled) await this.#put({ settled: serial })
  }

  async #apply(
    ready: Ready,
    serial: number,
    settled: boolean,
    io: Abortable,
    before: (changes: Parameters<ConvergeOptions['before']>[0]) => Promise<void> | undefined | void,
  ): Promise<Report> {
    const options = {
      ...this.#converging(),
      before: async (changes: Parameters<ConvergeOptions['before']>[0]) => await before(changes),
    }
    const report = await applyBundle(ready, serial, settled, options, io)
    for (const { resource, state, what } of report.results)
      this.#options.say(`${state} ${resource}: ${what.join('; ')}`)
    return report
  }

  #empty(): Report {
    const counts = { ok: 0, changed: 0, drift: 0, failed: 0, skipped: 0 }
    return {
      id: newId('r'),
      at: Date.now(),
      took: 0,
      serial: this.#progress.current,
      counts,
      results: [],
      trouble: this.#trouble,
    }
  }

  /** This folder was copied to another machine: it forgets who it was, and asks to be somebody of its own. */
  async #becomeAnother(io: Abortable): Promise<number | undefined> {
    const { tokenFile, servers, vo, ca, node, voKey, formerKeys } = this.#identity
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
      this.#identity = await enrol(folder, { servers, vo, tokenFile, ca, cloneOf: node, pinned }, io)
    } catch (thrown) {
      const error = toStokerError(thrown, 'enrol')
      if (error.code === 'CONNECT_FAILED') return this.#noContact(error, io)
      throw new StokerError(error.code, error.subject, `${clone}, and cannot enrol anew: ${error.message}`, {
        cause: thrown,
      })
    }
    await this.#link[Symbol.asyncDispose]()
    this.#progress = NO_PROGRESS
    for (const name of ['bundles', 'undo']) await folder.remove(name)
    this.#kept = undefined
    this.#ready = undefined
    this.#link = this.#newLink()
    this.#orders = this.#newOrders()
    say(`this machine is node ${this.#identity.name} (${this.#identity.node}) now`)
    return 1
  }

  /** Reads the bundle in use from the folder. */
  async #recall(): Promise<void> {
    const { vo, voKey, formerKeys } = this.#identity
    const { current } = this.#progress
    this.#kept = current > 0 ? await recall(this.#options.folder, current, vo, [voKey, ...formerKeys]) : undefined
    this.#ready = undefined
    if (current > 0 && !this.#kept) {
      this.#options.say(`bundle ${current} is damaged on disk; it is fetched again`)
      this.#link.forget()
      await this.#put({ current: 0 })
      return
    }
    if (!this.#kept) return
    try {
      this.#ready = await prepareBundle(this.#kept, this.#converging(), { signal: AbortSignal.timeout(60_000) })
    } catch (thrown) {
      this.#refuse(current, toStokerError(thrown, 'bundle').message)
    }
  }

  #now(): number {
    return trustedNow(this.#link.now(), this.#progress)
  }

  #converging(): ConvergeOptions {
    const { actors, connect, say } = this.#options
    return { identity: this.#identity, actors, connect, say, before: async () => {} }
  }

  async #put(changes: Partial<Progress>): Promise<void> {
    this.#progress = { ...this.#progress, ...changes }
    await this.#options.folder.write(PROGRESS.file, this.#progress)
  }

  #newLink(): Link {
    return new Link(this.#identity, {
      next: async () => {
        await this.#put({ turn: this.#progress.turn + 1 })
        return { turn: this.#progress.turn, serial: this.#progress.current }
      },
      wentBack: async () => {
        this.#options.say('the server has seen a later state of this node: its state folder was put back')
        await this.#orders.doubt()
        // So that the next turn is a new one, also for the server.
        await this.#put({ turn: this.#progress.turn + 1000 })
      },
    })
  }

  #newOrders(): Orders {
    const { perform, say } = this.#options
    return new Orders({
      ...{ vo: this.#identity.vo, node: this.#identity.node, journal: this.#journal, link: this.#link, perform, say },
      voKey: () => this.#identity.voKey,
      now: () => this.#now(),
      outputLimit: OUTPUT_LIMIT,
    })
  }
}
