/** The bundle in use: taken when it is newer and right, applied at every turn, taken back when it costs the contact. */
import type { Abortable } from '../../../base/abortable.ts'
import { toStokerError } from '../../../base/errors.ts'
import type { Bundle } from '../../protocol/documents.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { MAX_TROUBLE_MESSAGE } from '../../protocol/limits.ts'
import type { Report } from '../../protocol/messages.ts'
import { newId } from '../../protocol/names.ts'
import type { ServerLink } from '../server-link.ts'
import type { AgentIdentity } from '../state/agent-identity.ts'
import type { Folder } from '../state/folder.ts'
import type { Spool } from '../state/spool.ts'
import { checkOffer, type LocalBundle, loadBundle, removeOtherBundles, saveBundle } from './bundles.ts'
import { applyBundle, type ConvergeOptions, type PreparedBundle, prepareBundle } from './converge.ts'
import { stepTrial } from './trial.ts'
import { pathsOf, Undo } from './undo.ts'

export interface CurrentBundleOptions extends Pick<ConvergeOptions, 'actors' | 'connect' | 'say'> {
  readonly folder: Folder
  readonly self: AgentIdentity
  readonly spool: Spool
  /** Where contents come from. */
  readonly link: ServerLink
  /** Milliseconds since 1970, as far as it can be trusted. */
  readonly now: () => number
}

/** Milliseconds for reading a bundle which is on disk. */
const LOAD_TIMEOUT_MS = 60_000

type BeforeChange = ConvergeOptions['beforeChange']

export class CurrentBundle {
  readonly #options: CurrentBundleOptions
  readonly #undo: Undo
  #bundle: LocalBundle | undefined
  #prepared: PreparedBundle | undefined
  #trouble: Report['trouble'] = []
  /** The results of the last convergence, as they were logged. */
  #reportedLines: ReadonlySet<string> = new Set()

  constructor(options: CurrentBundleOptions) {
    this.#options = options
    this.#undo = new Undo(options.folder)
  }

  /** Whether a bundle is in use, and nothing about it is open. */
  get isSettled(): boolean {
    return this.#bundle !== undefined && !this.#options.self.progress.trial
  }

  /** Looks at what the server offers: a bundle, or nothing new. */
  async takeOffer(document: Envelope | undefined, io: Abortable): Promise<void> {
    this.#trouble = []
    if (document) await this.#checkOffer(document, io)
  }

  /** What was applied at the turn before is judged by whether there is contact now. Returns whether the one before is in use again. */
  async judgeTrial(contact: boolean, io: Abortable): Promise<boolean> {
    const { say, self } = this.#options
    const step = stepTrial(self.progress, contact)
    if (step.kind === 'none') return false
    // First done, then noted: it may be done twice, but is never left out.
    if (step.kind === 'take-back') await this.#revert(step.serial, step.progress.current, io)
    await self.saveProgress(step.progress)
    if (step.kind === 'confirmed') await this.#undo.clear()
    if (step.kind === 'again') {
      const why = contact
        ? 'there is contact without it; it is tried once more'
        : 'there is no contact without it either'
      say(`bundle ${step.serial}: ${why}`)
      await this.load()
    }
    if (step.kind === 'condemned')
      this.#refuse(step.serial, `bundle ${step.serial} cost the contact to the server twice, and is taken back`)
    return step.kind === 'take-back'
  }

  /** Applies the bundle in use, and keeps the report. */
  async converge(io: Abortable): Promise<void> {
    const { spool, self, now } = this.#options
    const prepared = this.#prepared
    const local = this.#bundle
    if (!prepared || !local) {
      if (this.#trouble.length > 0) await spool.add(this.#troubleReport())
      return
    }
    const { serial, expires } = local.bundle
    const { settled, trial } = self.progress
    const isSettled = settled === serial
    const onTrial = trial?.serial === serial && trial.stage === 'trying'
    if (onTrial) await this.#undo.saveNetwork()
    const saveFiles: BeforeChange = (changes, notified) => this.#undo.saveFiles(changes, notified)
    const report = await this.#apply(prepared, serial, isSettled, io, onTrial ? { beforeChange: saveFiles } : {})
    if (onTrial && report.results.length > 0) await this.#undo.recordNetworkAfter()
    const stale = {
      kind: 'stale',
      serial,
      message: `bundle ${serial} expired at ${new Date(expires).toISOString()}`,
    } as const
    await spool.add({ ...report, trouble: [...this.#trouble, ...(expires <= now() ? [stale] : [])] })
    if (report.counts.failed === 0 && !isSettled) await self.saveProgress({ settled: serial })
  }

  /** Reads the bundle in use from the folder. */
  async load(current = this.#options.self.progress.current): Promise<void> {
    const { folder, link, say, self } = this.#options
    this.#bundle = current > 0 ? await loadBundle(folder, current, self.identity.vo, self.voKeys) : undefined
    this.#prepared = undefined
    if (current > 0 && !this.#bundle) {
      say(`bundle ${current} is damaged on disk; it is fetched again`)
      link.resetEtag()
      await self.saveProgress({ current: 0 })
      return
    }
    if (!this.#bundle) return
    try {
      this.#prepared = await prepareBundle(this.#bundle, this.#convergeOptions(), {
        signal: AbortSignal.timeout(LOAD_TIMEOUT_MS),
      })
    } catch (thrown) {
      this.#refuse(current, toStokerError(thrown, 'bundle').message)
    }
  }

  async #checkOffer(document: Envelope, io: Abortable): Promise<void> {
    const { folder, now, say, self } = this.#options
    const offer = checkOffer(document, self.identity.vo, self.voKeys, self.progress, now())
    if (offer.kind === 'same') {
      // What is wrong with the one in use is reported again.
      if (!this.#prepared) await this.load()
      return
    }
    if (offer.kind === 'refused') return this.#refuse(offer.serial, offer.why)
    const { bundle } = offer
    const { serial, issued } = bundle
    // Seen is seen, whatever comes of it: nothing older is taken any more.
    await self.saveProgress({ seen: serial, notBefore: Math.max(self.progress.notBefore, issued) })
    const local = await this.#fetch(document, bundle, io)
    if (!local) return
    try {
      this.#prepared = await prepareBundle(local, this.#convergeOptions(), io)
    } catch (thrown) {
      io.signal.throwIfAborted()
      return this.#refuse(serial, `bundle ${serial} is not taken: ${toStokerError(thrown, 'bundle').message}`)
    }
    this.#bundle = local
    await this.#undo.clear()
    const trial = { serial, stage: 'trying', failures: 0, suspect: false, turns: 0 } as const
    await self.saveProgress({ current: serial, trial })
    say(`bundle ${serial}: taken`)
    await removeOtherBundles(folder, [serial, self.progress.confirmed])
  }

  async #fetch(document: Envelope, bundle: Bundle, io: Abortable): Promise<LocalBundle | undefined> {
    const { folder, link } = this.#options
    try {
      return await saveBundle(folder, document, bundle, await link.content(bundle.content.sha256, io))
    } catch (thrown) {
      io.signal.throwIfAborted()
      // It is asked for again: it may have been the network's fault, or the disk's.
      link.resetEtag()
      const { code, message } = toStokerError(thrown, 'bundle')
      if (code === 'CONNECT_FAILED') this.#options.say(`bundle ${bundle.serial} is not here yet: ${message}`)
      else this.#refuse(bundle.serial, `bundle ${bundle.serial} is not taken: ${message}`)
      return undefined
    }
  }

  #refuse(serial: number, message: string): void {
    const { current, reverted } = this.#options.self.progress
    this.#options.say(`${message}; bundle ${current} stays`)
    this.#trouble = [
      {
        kind: reverted.includes(serial) ? 'reverted' : 'refused',
        serial,
        message: message.slice(0, MAX_TROUBLE_MESSAGE),
      },
    ]
  }

  /** The bundle before is applied; what it does not speak of is put back to how it was, and who is concerned is notified. */
  async #revert(serial: number, earlier: number, io: Abortable): Promise<void> {
    const { say, spool } = this.#options
    say(`no contact since bundle ${serial}: back to bundle ${earlier}`)
    const reverted = this.#prepared
    await this.load(earlier)
    const written = new Set<string>()
    const recordPaths: BeforeChange = async changes => {
      for (const path of pathsOf(changes)) written.add(path)
    }
    if (this.#prepared)
      await spool.add(await this.#apply(this.#prepared, earlier, false, io, { beforeChange: recordPaths }))
    const { paths, notified } = await this.#undo.restoreFiles(written)
    if (paths.length > 0) say(`put back: ${paths.join(', ')}`)
    if (reverted && notified.length > 0)
      await spool.add(await this.#apply(reverted, serial, false, io, { only: notified }))
    const network = await this.#undo.restoreNetwork()
    if (network.length > 0) say(`put back: ${network.join(', ')}`)
    await this.#undo.clear()
  }

  async #apply(
    prepared: PreparedBundle,
    serial: number,
    settled: boolean,
    io: Abortable,
    changes: Partial<Pick<ConvergeOptions, 'beforeChange' | 'only'>>,
  ): Promise<Report> {
    const report = await applyBundle(prepared, serial, settled, { ...this.#convergeOptions(), ...changes }, io)
    const lines = report.results.map(({ resource, state, what }) => `${state} ${resource}: ${what.join('; ')}`)
    // What stays as it is, such as a failure, is logged when it begins.
    for (const line of lines)
      if (!/^(failed|skipped) /.test(line) || !this.#reportedLines.has(line)) this.#options.say(line)
    this.#reportedLines = new Set(lines)
    return report
  }

  /** Nothing could be applied, and this is why. */
  #troubleReport(): Report {
    return {
      ...{ id: newId('r'), at: Date.now(), took: 0, serial: this.#options.self.progress.current },
      counts: { ok: 0, changed: 0, drift: 0, failed: 0, skipped: 0 },
      results: [],
      trouble: this.#trouble,
    }
  }

  #convergeOptions(): ConvergeOptions {
    const { actors, connect, say, self } = this.#options
    return { identity: self.identity, actors, connect, say, beforeChange: async () => {} }
  }
}
