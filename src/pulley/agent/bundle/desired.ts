/** The bundle in use: taken when it is newer and right, applied at every turn, taken back when it costs the contact. */
import type { Abortable } from '../../../base/abortable.ts'
import { toStokerError } from '../../../base/errors.ts'
import type { Bundle } from '../../protocol/documents.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import type { Report } from '../../protocol/messages.ts'
import { newId } from '../../protocol/names.ts'
import type { Link } from '../link.ts'
import type { Standing } from '../state/agent-identity.ts'
import type { Folder } from '../state/folder.ts'
import type { Spool } from '../state/spool.ts'
import { forget, judge, type Kept, keep, recall } from './bundles.ts'
import { applyBundle, type ConvergeOptions, prepareBundle, type Ready } from './converge.ts'
import { stepTrial } from './trial.ts'
import { pathsOf, Undo } from './undo.ts'

export interface DesiredOptions extends Pick<ConvergeOptions, 'actors' | 'connect' | 'say'> {
  readonly folder: Folder
  readonly standing: Standing
  readonly spool: Spool
  /** Where contents come from. */
  readonly link: Link
  /** Milliseconds since 1970, as far as it can be trusted. */
  readonly now: () => number
}

/** Milliseconds for reading a bundle which is on disk. */
const PATIENCE_MS = 60_000

type Before = ConvergeOptions['before']

export class Desired {
  readonly #options: DesiredOptions
  readonly #undo: Undo
  #kept: Kept | undefined
  #ready: Ready | undefined
  #trouble: Report['trouble'] = []
  /** The results of the last turn, as they were told. */
  #told: ReadonlySet<string> = new Set()

  constructor(options: DesiredOptions) {
    this.#options = options
    this.#undo = new Undo(options.folder)
  }

  /** Whether a bundle is in use, and nothing about it is open. */
  get isSettled(): boolean {
    return this.#kept !== undefined && !this.#options.standing.progress.trial
  }

  /** Looks at what the server offers: a bundle, or nothing new. */
  async hear(document: Envelope | undefined, io: Abortable): Promise<void> {
    this.#trouble = []
    if (document) await this.#consider(document, io)
  }

  /** What was applied at the turn before is judged by whether there is contact now. Returns whether the one before is in use again. */
  async judge(contact: boolean, io: Abortable): Promise<boolean> {
    const { say, standing } = this.#options
    const step = stepTrial(standing.progress, contact)
    if (step.kind === 'none') return false
    // First done, then noted: it may be done twice, but is never left out.
    if (step.kind === 'take-back') await this.#takeBack(step.serial, step.progress.current, io)
    await standing.put(step.progress)
    if (step.kind === 'confirmed') await this.#undo.forget()
    if (step.kind === 'again') {
      const why = contact
        ? 'there is contact without it; it is tried once more'
        : 'there is no contact without it either'
      say(`bundle ${step.serial}: ${why}`)
      await this.recall()
    }
    if (step.kind === 'condemned')
      this.#refuse(step.serial, `bundle ${step.serial} cost the contact to the server twice, and is taken back`)
    return step.kind === 'take-back'
  }

  /** Applies the bundle in use, and keeps the report. */
  async converge(io: Abortable): Promise<void> {
    const { spool, standing, now } = this.#options
    const ready = this.#ready
    const kept = this.#kept
    if (!ready || !kept) {
      if (this.#trouble.length > 0) await spool.add(this.#empty())
      return
    }
    const { serial, expires } = kept.bundle
    const { settled, trial } = standing.progress
    const isSettled = settled === serial
    const trying = trial?.serial === serial && trial.stage === 'trying'
    if (trying) await this.#undo.keepNetwork()
    const keep: Before = (changes, notified) => this.#undo.keep(changes, notified)
    const report = await this.#apply(ready, serial, isSettled, io, trying ? { before: keep } : {})
    if (trying && report.results.length > 0) await this.#undo.noteNetwork()
    const stale = {
      kind: 'stale',
      serial,
      message: `bundle ${serial} expired at ${new Date(expires).toISOString()}`,
    } as const
    await spool.add({ ...report, trouble: [...this.#trouble, ...(expires <= now() ? [stale] : [])] })
    if (report.counts.failed === 0 && !isSettled) await standing.put({ settled: serial })
  }

  /** Reads the bundle in use from the folder. */
  async recall(current = this.#options.standing.progress.current): Promise<void> {
    const { folder, link, say, standing } = this.#options
    this.#kept = current > 0 ? await recall(folder, current, standing.identity.vo, standing.voKeys) : undefined
    this.#ready = undefined
    if (current > 0 && !this.#kept) {
      say(`bundle ${current} is damaged on disk; it is fetched again`)
      link.forget()
      await standing.put({ current: 0 })
      return
    }
    if (!this.#kept) return
    try {
      this.#ready = await prepareBundle(this.#kept, this.#converging(), { signal: AbortSignal.timeout(PATIENCE_MS) })
    } catch (thrown) {
      this.#refuse(current, toStokerError(thrown, 'bundle').message)
    }
  }

  async #consider(document: Envelope, io: Abortable): Promise<void> {
    const { folder, now, say, standing } = this.#options
    const offered = judge(document, standing.identity.vo, standing.voKeys, standing.progress, now())
    if (offered.kind === 'same') {
      // What is wrong with the one in use is told again.
      if (!this.#ready) await this.recall()
      return
    }
    if (offered.kind === 'refused') return this.#refuse(offered.serial, offered.why)
    const { bundle } = offered
    const { serial, issued } = bundle
    // Seen is seen, whatever comes of it: nothing older is taken any more.
    await standing.put({ seen: serial, notBefore: Math.max(standing.progress.notBefore, issued) })
    const kept = await this.#fetch(document, bundle, io)
    if (!kept) return
    try {
      this.#ready = await prepareBundle(kept, this.#converging(), io)
    } catch (thrown) {
      io.signal.throwIfAborted()
      return this.#refuse(serial, `bundle ${serial} is not taken: ${toStokerError(thrown, 'bundle').message}`)
    }
    this.#kept = kept
    await this.#undo.forget()
    const trial = { serial, stage: 'trying', failures: 0, suspect: false, turns: 0 } as const
    await standing.put({ current: serial, trial })
    say(`bundle ${serial}: taken`)
    await forget(folder, [serial, standing.progress.confirmed])
  }

  async #fetch(document: Envelope, bundle: Bundle, io: Abortable): Promise<Kept | undefined> {
    const { folder, link } = this.#options
    try {
      return await keep(folder, document, bundle, await link.content(bundle.content.sha256, io))
    } catch (thrown) {
      io.signal.throwIfAborted()
      // It is asked for again: it may have been the network's fault, or the disk's.
      link.forget()
      const { code, message } = toStokerError(thrown, 'bundle')
      if (code === 'CONNECT_FAILED') this.#options.say(`bundle ${bundle.serial} is not here yet: ${message}`)
      else this.#refuse(bundle.serial, `bundle ${bundle.serial} is not taken: ${message}`)
      return undefined
    }
  }

  #refuse(serial: number, message: string): void {
    const { current, reverted } = this.#options.standing.progress
    this.#options.say(`${message}; bundle ${current} stays`)
    this.#trouble = [
      { kind: reverted.includes(serial) ? 'reverted' : 'refused', serial, message: message.slice(0, 1000) },
    ]
  }

  /** The bundle before is applied; what it does not speak of is put back to how it was, and who is concerned is notified. */
  async #takeBack(serial: number, earlier: number, io: Abortable): Promise<void> {
    const { say, spool } = this.#options
    say(`no contact since bundle ${serial}: back to bundle ${earlier}`)
    const taken = this.#ready
    await this.recall(earlier)
    const written = new Set<string>()
    const note: Before = async changes => {
      for (const path of pathsOf(changes)) written.add(path)
    }
    if (this.#ready) await spool.add(await this.#apply(this.#ready, earlier, false, io, { before: note }))
    const { paths, notified } = await this.#undo.putBack(written)
    if (paths.length > 0) say(`put back: ${paths.join(', ')}`)
    if (taken && notified.length > 0) await spool.add(await this.#apply(taken, serial, false, io, { only: notified }))
    const network = await this.#undo.putNetworkBack()
    if (network.length > 0) say(`put back: ${network.join(', ')}`)
    await this.#undo.forget()
  }

  async #apply(
    ready: Ready,
    serial: number,
    settled: boolean,
    io: Abortable,
    how: Partial<Pick<ConvergeOptions, 'before' | 'only'>>,
  ): Promise<Report> {
    const report = await applyBundle(ready, serial, settled, { ...this.#converging(), ...how }, io)
    const lines = report.results.map(({ resource, state, what }) => `${state} ${resource}: ${what.join('; ')}`)
    // What stays as it is, such as a failure, is told when it begins.
    for (const line of lines) if (!/^(failed|skipped) /.test(line) || !this.#told.has(line)) this.#options.say(line)
    this.#told = new Set(lines)
    return report
  }

  /** Nothing could be applied, and this is why. */
  #empty(): Report {
    return {
      ...{ id: newId('r'), at: Date.now(), took: 0, serial: this.#options.standing.progress.current },
      counts: { ok: 0, changed: 0, drift: 0, failed: 0, skipped: 0 },
      results: [],
      trouble: this.#trouble,
    }
  }

  #converging(): ConvergeOptions {
    const { actors, connect, say, standing } = this.#options
    return { identity: standing.identity, actors, connect, say, before: async () => {} }
  }
}
