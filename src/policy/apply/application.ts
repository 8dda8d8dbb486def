/** One application of a policy to one target: whose turn it is, what came of each, and which handlers are pending. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import type { Connection, Output } from '../../connection/connection.ts'
import type { Change, Plan, ProbeResult } from '../../converge/convergent.ts'
import { converge, type DesiredResource } from '../../converge/convergent-actor.ts'
import { cannotGather, FACTS_SCRIPT, parseFacts } from '../../converge/facts.ts'
import type { Target } from '../../inventory/target.ts'
import type { MadeChange, ResourceResult } from '../../run/event.ts'
import type { Outcome } from '../../run/outcome.ts'
import { DesiredState } from '../desired-state.ts'
import { type Resource, valueAtLocation } from '../policy.ts'
import type { PreparedPolicy } from '../prepare-policy.ts'
import type { ResourceInstance } from '../resource-compiler.ts'
import {
  type PendingHandlerStore,
  type PendingHandlers,
  parsePendingHandlers,
  pendingHandlers,
} from './pending-handlers.ts'
import { Prober } from './prober.ts'

export interface ApplyOptions {
  /** Called with the changes of a resource, and the ids of what they notify, before they are made. What it throws fails the resource. */
  readonly before?: (changes: readonly Change[], notified: readonly string[]) => Promise<void>
  /** Probe nothing else, and run these handlers alone, by id. */
  readonly only?: readonly string[]
  /** Show also the differences of files which are not for everybody's eyes; secret values stay hidden. */
  readonly showSecrets?: boolean
}

export interface ApplicationOptions extends ApplyOptions, Abortable {
  /** `false`: change nothing, say what would be done. */
  readonly apply: boolean
  readonly diff: boolean
}

/** `blocked`: not done, because of one which failed. `skipped`: it was its turn, and there was a good reason to leave it alone. */
type End = 'ok' | 'changed' | 'failed' | 'blocked' | 'skipped'

type Progress = AsyncGenerator<Output | ResourceResult, void, void>

export class Application {
  readonly #prepared: PreparedPolicy
  readonly #target: Target
  readonly #connection: Connection
  readonly #options: ApplicationOptions
  readonly #desiredState: DesiredState
  readonly #prober: Prober
  readonly #pendingStore: PendingHandlerStore
  /** The position of each in the order of application. */
  readonly #positions: ReadonlyMap<number, number>
  readonly #ends = new Map<number, End>()
  /** Those whose turn is over, whatever came of it. */
  readonly #finished = new Set<number>()
  /** The ids of the handlers which are pending by now. */
  readonly #pending = new Set<string>()
  /** What those which have had their turn are called on this target. */
  readonly #labels = new Map<number, string>()
  readonly #failures: { readonly resource: string; readonly error: StokerError }[] = []
  #recorded: PendingHandlers = { folder: '', ids: new Map() }

  constructor(prepared: PreparedPolicy, target: Target, connection: Connection, options: ApplicationOptions) {
    const { mask, policy } = prepared
    this.#prepared = prepared
    this.#target = target
    this.#connection = connection
    this.#options = options
    this.#desiredState = new DesiredState(prepared, target, options)
    this.#prober = new Prober(connection, options, script => mask.text(script) !== script)
    this.#pendingStore = pendingHandlers(policy.name)
    this.#positions = new Map([...policy.order, ...policy.handlers].map((index, position) => [index, position]))
  }

  async *run(): AsyncGenerator<Output | ResourceResult, Outcome, void> {
    const { policy } = this.#prepared
    await this.#begin()
    for (const id of this.#options.only ?? []) this.#pending.add(id)
    for (const [position, index] of this.#options.only ? [] : policy.order.entries()) {
      const entry = policy.entries[index]
      if (entry?.kind === 'flush') yield* this.#flush('flush')
      else yield* this.#applyResource(index, policy.order.slice(position + 1))
      this.#finished.add(index)
    }
    yield* this.#flush('end')
    yield* this.#orphanedHandlers()
    return this.#outcome()
  }

  /** One round trip for the pending handlers, and facts when they are needed; else for the first probes. */
  async #begin(): Promise<void> {
    const needsFacts = this.#prepared.needsFacts(this.#target)
    const first = needsFacts ? [] : await this.#lookahead(this.#prepared.policy.order)
    const [list, facts] = await this.#prober.run(
      [this.#pendingStore.list, ...(needsFacts ? [FACTS_SCRIPT] : [])],
      first,
    )
    if (!list || list instanceof StokerError)
      throw new StokerError(
        'ACTOR_FAILED',
        this.#target.name,
        `cannot read the pending handlers: ${list?.message ?? ''}`,
      )
    this.#recorded = parsePendingHandlers(list)
    for (const id of this.#recorded.ids.keys()) this.#pending.add(id)
    if (!needsFacts) return
    if (!facts || facts instanceof StokerError) throw cannotGather(facts)
    this.#desiredState.facts = parseFacts(Buffer.from(facts.stdout).toString())
  }

  /** What is worth probing ahead of its turn: resources which can be compiled, and will have a turn. */
  async #lookahead(indices: readonly number[]): Promise<readonly DesiredResource[]> {
    const ready: DesiredResource[] = []
    for (const index of indices) {
      const entry = this.#prepared.policy.entries[index]
      if (entry?.kind !== 'resource' || !this.#desiredState.isSelected(index) || this.#blocker(index) !== undefined)
        continue
      if (entry.calledBy.length > 0 && !this.#pending.has(entry.id)) continue
      for (const instance of this.#desiredState.instances(index)) {
        if (ready.length >= this.#prober.window) return ready
        const desired = await this.#desiredState.desired(instance).catch(() => undefined)
        if (desired && !this.#prober.hasProbed(desired)) ready.push(desired)
      }
    }
    return ready
  }

  /** The first of those it depends on which failed, or could not be done because of another. */
  #blocker(index: number): number | undefined {
    const { after, calledBy } = this.#desiredState.resource(index)
    return [...after, ...calledBy].find(other => ['failed', 'blocked'].includes(this.#ends.get(other) ?? ''))
  }

  /** One resource, when it is its turn. `next`: whose turn comes after it. */
  async *#applyResource(index: number, next: readonly number[]): Progress {
    const resource = this.#desiredState.resource(index)
    if (!this.#desiredState.isSelected(index)) return
    const instances = this.#desiredState.instances(index)
    if (instances.length === 0 && resource.when !== undefined) {
      this.#ends.set(index, 'skipped')
      yield this.#skipped(index, resource.id, `when: ${String(valueAtLocation(resource.at, 'when'))}`)
      return
    }
    const called = resource.calledBy.length > 0
    const isPending = this.#pending.has(resource.id)
    const blocker = this.#blocker(index)
    if (blocker !== undefined) {
      this.#ends.set(index, 'blocked')
      const why = this.#ends.get(blocker) === 'failed' ? 'failed' : 'was skipped'
      const name = this.#labels.get(blocker) ?? this.#desiredState.resource(blocker).id
      if (!called || isPending)
        yield this.#skipped(index, resource.id, `${name} ${why}${isPending ? '; it stays pending' : ''}`)
      return
    }
    if (called && !isPending) return
    const ends: End[] = []
    for (const instance of instances) {
      const acknowledged = isPending && instances.length === 1 ? [resource.id] : []
      ends.push(yield* this.#applyInstance(instance, acknowledged, () => this.#lookahead([index, ...next])))
    }
    const end = ENDS.find(one => ends.includes(one)) ?? 'ok'
    this.#ends.set(index, end)
    if (isPending && end !== 'failed') await this.#acknowledge(resource.id, end === 'changed' && instances.length === 1)
  }

  /** It has succeeded: it is pending no more. */
  async #acknowledge(id: string, isAcknowledged: boolean): Promise<void> {
    this.#pending.delete(id)
    if (!this.#options.apply || isAcknowledged) return
    const [result] = await this.#prober.run([this.#pendingStore.acknowledge([id])])
    if (result instanceof StokerError)
      throw new StokerError('ACTOR_FAILED', id, `cannot note that ${id} is done: ${result.message}`)
  }

  /** Probes one instance, and makes it what it should be. `acknowledged` goes with the last of its changes. */
  async *#applyInstance(
    instance: ResourceInstance,
    acknowledged: readonly string[],
    lookahead: () => Promise<readonly DesiredResource[]>,
  ): AsyncGenerator<Output | ResourceResult, End, void> {
    const { resource, index } = instance
    let label = resource.id
    const changes: MadeChange[] = []
    try {
      const ready = await this.#desiredState.desired(instance)
      label = labelOf(resource, ready)
      this.#labels.set(index, label)
      const result = await this.#prober.probe(ready, lookahead)
      const plan = await this.#planOf(ready, result, index, acknowledged)
      // The caller of `before` has had the changes already, with what they notify.
      const { before: _, ...options } = this.#options
      const running = converge({ ...ready, plan: () => plan }, result, this.#connection, options)
      for (;;) {
        const step = await running.next()
        if (!step.done) {
          if (step.value.kind === 'output') yield step.value.output
          else changes.push(step.value.change)
          continue
        }
        if (plan.kind === 'change' && this.#options.apply) this.#prober.invalidate()
        return yield* this.#result(index, label, step.value, changes)
      }
    } catch (thrown) {
      this.#prober.invalidate()
      const error = toStokerError(thrown, label, 'ACTOR_FAILED')
      const end = yield* this.#result(index, label, { kind: 'failed', error }, changes)
      // What is wrong with the connection, or the run as a whole, is wrong for all which come after.
      if (this.#options.signal.aborted || !OWN_CODES.includes(error.code)) throw thrown
      return end
    }
  }

  /** The plan, with what it calls noted before its first step. */
  async #planOf(
    ready: DesiredResource,
    result: ProbeResult | StokerError,
    index: number,
    acknowledged: readonly string[],
  ): Promise<Plan> {
    if (result instanceof StokerError) return { kind: 'converged' } // never asked for: `converge` returns the error
    const plan = ready.plan(result)
    if (plan.kind !== 'change') return plan
    const notified = this.#desiredState.notified(index)
    if (this.#options.apply) await this.#options.before?.(plan.changes, notified)
    const calls = notified.filter(id => !this.#pending.has(id))
    for (const id of calls) this.#pending.add(id)
    const changes = plan.changes.map((change, i): Change => {
      const { diff, steps } = change
      const [isFirst, isLast] = [i === 0, i === plan.changes.length - 1]
      return {
        ...change,
        ...(diff && { diff: { ...diff, secret: diff.secret && this.#options.showSecrets !== true } }),
        steps: this.#pendingStore.wrap(steps, isFirst ? calls : [], isLast ? acknowledged : []),
      }
    })
    return { kind: 'change', changes }
  }

  /** The result of an instance. Without changes being made, what depends on them cannot be known: that is no failure. */
  *#result(
    index: number,
    label: string,
    outcome: Outcome,
    changes: readonly MadeChange[],
  ): Generator<ResourceResult, End, void> {
    const common = { resource: label, place: this.#positions.get(index) ?? 0, changes }
    if (outcome.kind === 'ok') {
      const { changed, detail } = outcome
      yield { ...common, state: changed ? 'changed' : 'ok', ...(detail !== undefined && { detail }) }
      return changed ? 'changed' : 'ok'
    }
    const error = 'error' in outcome ? outcome.error : new StokerError('CANCELLED', label, 'stopped before it was done')
    const foreseen = [...this.#ends.values()].includes('changed')
    if (!this.#options.apply && foreseen && OWN_CODES.includes(error.code)) {
      yield this.#skipped(index, label, `cannot be foreseen before the changes above are made: ${error.message}`)
      return 'skipped'
    }
    this.#failures.push({ resource: label, error })
    yield { ...common, state: 'failed', error }
    return 'failed'
  }

  /** Runs the pending handlers, in order. At a flush, what waits for others, or has failed already, is left for the end. */
  async *#flush(when: 'flush' | 'end'): Progress {
    const { handlers } = this.#prepared.policy
    for (const [position, index] of handlers.entries()) {
      const { id, after, onChange } = this.#desiredState.resource(index)
      if (!this.#pending.has(id) || this.#ends.get(index) === 'failed') continue
      const waits = [...after, ...onChange].some(other => !this.#finished.has(other) && !handlers.includes(other))
      if (when === 'flush' && (waits || this.#blocker(index) !== undefined)) continue
      yield* this.#applyResource(index, handlers.slice(position + 1))
    }
  }

  /** Handlers pending since an earlier run, which this policy will not run. */
  *#orphanedHandlers(): Generator<ResourceResult, void, void> {
    for (const [id, file] of this.#recorded.ids) {
      if (!this.#pending.has(id)) continue
      const index = this.#prepared.policy.entries.findIndex(entry => entry.kind === 'resource' && entry.id === id)
      const isKnown = index >= 0 && this.#desiredState.isApplicable(index)
      if (isKnown && this.#desiredState.instances(index).length > 0) continue
      const why = isKnown
        ? 'its when does not hold here'
        : index >= 0
          ? 'it is not for this node now'
          : 'the policy has it no more'
      yield this.#skipped(
        index,
        id,
        `it is pending since an earlier run, but ${why}; to forget it: rm ${this.#recorded.folder}/${file}`,
      )
    }
  }

  #skipped(index: number, resource: string, detail: string): ResourceResult {
    const position = this.#positions.get(index) ?? this.#positions.size
    return { resource, place: position, state: 'skipped', changes: [], detail }
  }

  #outcome(): Outcome {
    const [first, ...others] = this.#failures
    if (first === undefined) return { kind: 'ok', changed: [...this.#ends.values()].includes('changed') }
    if (others.length === 0) return { kind: 'failed', error: first.error }
    const names = this.#failures.map(({ resource }) => resource).join(', ')
    return {
      kind: 'failed',
      error: new StokerError('ACTOR_FAILED', this.#target.name, `${this.#failures.length} resources failed: ${names}`),
    }
  }
}

/** The worst first. */
const ENDS = ['failed', 'blocked', 'changed', 'ok', 'skipped'] as const satisfies readonly End[]

/** Errors which are one resource's own. */
const OWN_CODES: readonly string[] = ['ACTOR_FAILED', 'ACTOR_OPTION', 'COMMAND_FAILED', 'CONFIG']

/** As a report shows it: the name it was given, else the actor and what it is about on this target. */
const labelOf = ({ id, named, each }: Resource, { actor, subject }: DesiredResource): string => {
  if (!named) return subject === '' ? actor : `${actor} ${subject}`
  return each ? `${id} (${subject})` : id
}
