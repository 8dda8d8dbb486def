/** One application of a policy to one target: whose turn it is, what came of each, and what is owed. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import type { Connection, Output } from '../../connection/connection.ts'
import type { Change, Plan, Seen } from '../../converge/convergent.ts'
import { converge, type Resource as Ready } from '../../converge/convergent-actor.ts'
import { cannotGather, FACTS_SCRIPT, parseFacts } from '../../converge/facts.ts'
import type { Target } from '../../inventory/target.ts'
import type { MadeChange, ResourceResult } from '../../run/event.ts'
import type { Outcome } from '../../run/outcome.ts'
import type { Unit } from '../desired-state.ts'
import { Wishes } from '../desired-states.ts'
import { type Resource, valueIn } from '../policy.ts'
import type { PreparedPolicy } from '../prepare.ts'
import { type Ledger, ledger, type Owed, parseOwed } from './pending-handlers.ts'
import { Looker } from './prober.ts'

export interface ApplyOptions {
  /** Called with the changes of a resource, and the ids of what they notify, before they are made. What it throws fails the resource. */
  readonly before?: (changes: readonly Change[], notified: readonly string[]) => Promise<void>
  /** Look at nothing, and run these alone: resources which others notify, by id. */
  readonly only?: readonly string[]
  /** Show also the differences of files which are not for everybody's eyes; secret values stay hidden. */
  readonly showSecrets?: boolean
}

export interface ApplicationOptions extends ApplyOptions, Abortable {
  /** `false`: change nothing, say what would be done. */
  readonly apply: boolean
  readonly diff: boolean
}

/** `blocked`: not done, because of one which failed. `left`: it was its turn, and there was a good reason to leave it alone. */
type End = 'ok' | 'changed' | 'failed' | 'blocked' | 'left'

type Said = AsyncGenerator<Output | ResourceResult, void, void>

export class Application {
  readonly #prepared: PreparedPolicy
  readonly #target: Target
  readonly #connection: Connection
  readonly #how: ApplicationOptions
  readonly #wishes: Wishes
  readonly #looker: Looker
  readonly #ledger: Ledger
  /** The place of each in the order of application. */
  readonly #places: ReadonlyMap<number, number>
  readonly #ends = new Map<number, End>()
  /** Those whose turn is over, whatever came of it. */
  readonly #past = new Set<number>()
  /** The ids of those which are owed by now. */
  readonly #owed = new Set<string>()
  /** What those which have had their turn are called on this target. */
  readonly #labels = new Map<number, string>()
  readonly #failures: { readonly resource: string; readonly error: StokerError }[] = []
  #before: Owed = { folder: '', ids: new Map() }

  constructor(prepared: PreparedPolicy, target: Target, connection: Connection, how: ApplicationOptions) {
    const { mask, policy } = prepared
    this.#prepared = prepared
    this.#target = target
    this.#connection = connection
    this.#how = how
    this.#wishes = new Wishes(prepared, target, how)
    this.#looker = new Looker(connection, how, script => mask.text(script) !== script)
    this.#ledger = ledger(policy.name)
    this.#places = new Map([...policy.order, ...policy.handlers].map((index, place) => [index, place]))
  }

  async *run(): AsyncGenerator<Output | ResourceResult, Outcome, void> {
    const { policy } = this.#prepared
    await this.#begin()
    for (const id of this.#how.only ?? []) this.#owed.add(id)
    for (const [place, index] of this.#how.only ? [] : policy.order.entries()) {
      const entry = policy.entries[index]
      if (entry?.kind === 'flush') yield* this.#flush('flush')
      else yield* this.#turn(index, policy.order.slice(place + 1))
      this.#past.add(index)
    }
    yield* this.#flush('end')
    yield* this.#leftOver()
    return this.#outcome()
  }

  /** One round trip for what is owed, and facts when they are needed; else for the first looks. */
  async #begin(): Promise<void> {
    const needsFacts = this.#prepared.needsFacts(this.#target)
    const first = needsFacts ? [] : await this.#ahead(this.#prepared.policy.order)
    const [list, facts] = await this.#looker.ask([this.#ledger.list, ...(needsFacts ? [FACTS_SCRIPT] : [])], first)
    if (!list || list instanceof StokerError)
      throw new StokerError('ACTOR_FAILED', this.#target.name, `cannot read what is owed: ${list?.message ?? ''}`)
    this.#before = parseOwed(list)
    for (const id of this.#before.ids.keys()) this.#owed.add(id)
    if (!needsFacts) return
    if (!facts || facts instanceof StokerError) throw cannotGather(facts)
    this.#wishes.facts = parseFacts(Buffer.from(facts.stdout).toString())
  }

  /** What is worth looking at ahead of its turn: wishes which can be had, of resources which will have a turn. */
  async #ahead(indices: readonly number[]): Promise<readonly Ready[]> {
    const ready: Ready[] = []
    for (const index of indices) {
      const entry = this.#prepared.policy.entries[index]
      if (entry?.kind !== 'resource' || !this.#wishes.hasTurn(index) || this.#blocker(index) !== undefined) continue
      if (entry.calledBy.length > 0 && !this.#owed.has(entry.id)) continue
      for (const unit of this.#wishes.units(index)) {
        if (ready.length >= this.#looker.window) return ready
        const wish = await this.#wishes.wish(unit).catch(() => undefined)
        if (wish && !this.#looker.hasSeen(wish)) ready.push(wish)
      }
    }
    return ready
  }

  /** The first of those it depends on which failed, or could not be done because of another. */
  #blocker(index: number): number | undefined {
    const { after, calledBy } = this.#wishes.resource(index)
    return [...after, ...calledBy].find(other => ['failed', 'blocked'].includes(this.#ends.get(other) ?? ''))
  }

  /** One resource, when it is its turn. `next`: whose turn comes after it. */
  async *#turn(index: number, next: readonly number[]): Said {
    const resource = this.#wishes.resource(index)
    if (!this.#wishes.hasTurn(index)) return
    const units = this.#wishes.units(index)
    if (units.length === 0 && resource.when !== undefined) {
      this.#ends.set(index, 'left')
      yield this.#skipped(index, resource.id, `when: ${String(valueIn(resource.at, 'when'))}`)
      return
    }
    const called = resource.calledBy.length > 0
    const owed = this.#owed.has(resource.id)
    const blocker = this.#blocker(index)
    if (blocker !== undefined) {
      this.#ends.set(index, 'blocked')
      const why = this.#ends.get(blocker) === 'failed' ? 'failed' : 'was skipped'
      const name = this.#labels.get(blocker) ?? this.#wishes.resource(blocker).id
      if (!called || owed) yield this.#skipped(index, resource.id, `${name} ${why}${owed ? '; it stays owed' : ''}`)
      return
    }
    if (called && !owed) return
    const ends: End[] = []
    for (const unit of units) {
      const strike = owed && units.length === 1 ? [resource.id] : []
      ends.push(yield* this.#settle(unit, strike, () => this.#ahead([index, ...next])))
    }
    const end = ENDS.find(one => ends.includes(one)) ?? 'ok'
    this.#ends.set(index, end)
    if (owed && end !== 'failed') await this.#strike(resource.id, end === 'changed' && units.length === 1)
  }

  /** It has been done: nobody owes it any more. */
  async #strike(id: string, isStruck: boolean): Promise<void> {
    this.#owed.delete(id)
    if (!this.#how.apply || isStruck) return
    const [struck] = await this.#looker.ask([this.#ledger.strike([id])])
    if (struck instanceof StokerError)
      throw new StokerError('ACTOR_FAILED', id, `cannot note that ${id} is done: ${struck.message}`)
  }

  /** Looks at one unit, and makes it what it should be. `strike` goes with the last of its changes. */
  async *#settle(
    unit: Unit,
    strike: readonly string[],
    ahead: () => Promise<readonly Ready[]>,
  ): AsyncGenerator<Output | ResourceResult, End, void> {
    const { resource, index } = unit
    let label = resource.id
    const changes: MadeChange[] = []
    try {
      const ready = await this.#wishes.wish(unit)
      label = labelOf(resource, ready)
      this.#labels.set(index, label)
      const seen = await this.#looker.see(ready, ahead)
      const plan = await this.#planOf(ready, seen, index, strike)
      // Who is to be told of changes has been, with what they notify.
      const { before: _, ...how } = this.#how
      const running = converge({ ...ready, plan: () => plan }, seen, this.#connection, how)
      for (;;) {
        const step = await running.next()
        if (!step.done) {
          if (step.value.kind === 'output') yield step.value.output
          else changes.push(step.value.change)
          continue
        }
        if (plan.kind === 'change' && this.#how.apply) this.#looker.forget()
        return yield* this.#told(index, label, step.value, changes)
      }
    } catch (thrown) {
      this.#looker.forget()
      const error = toStokerError(thrown, label, 'ACTOR_FAILED')
      const end = yield* this.#told(index, label, { kind: 'failed', error }, changes)
      // What is wrong with the connection, or the run as a whole, is wrong for all which come after.
      if (this.#how.signal.aborted || !OWN_CODES.includes(error.code)) throw thrown
      return end
    }
  }

  /** The plan, with what it calls noted before its first step. */
  async #planOf(ready: Ready, seen: Seen | StokerError, index: number, strike: readonly string[]): Promise<Plan> {
    if (seen instanceof StokerError) return { kind: 'converged' } // never asked for: `converge` tells the error
    const plan = ready.plan(seen)
    if (plan.kind !== 'change') return plan
    const notified = this.#wishes.calls(index)
    if (this.#how.apply) await this.#how.before?.(plan.changes, notified)
    const calls = notified.filter(id => !this.#owed.has(id))
    for (const id of calls) this.#owed.add(id)
    const changes = plan.changes.map((change, i): Change => {
      const { diff, steps } = change
      const [isFirst, isLast] = [i === 0, i === plan.changes.length - 1]
      return {
        ...change,
        ...(diff && { diff: { ...diff, secret: diff.secret && this.#how.showSecrets !== true } }),
        steps: this.#ledger.around(steps, isFirst ? calls : [], isLast ? strike : []),
      }
    })
    return { kind: 'change', changes }
  }

  /** The result of a unit. Without changes being made, what depends on them cannot be told: that is no failure. */
  *#told(
    index: number,
    label: string,
    outcome: Outcome,
    changes: readonly MadeChange[],
  ): Generator<ResourceResult, End, void> {
    const common = { resource: label, place: this.#places.get(index) ?? 0, changes }
    if (outcome.kind === 'ok') {
      const { changed, detail } = outcome
      yield { ...common, state: changed ? 'changed' : 'ok', ...(detail !== undefined && { detail }) }
      return changed ? 'changed' : 'ok'
    }
    const error = 'error' in outcome ? outcome.error : new StokerError('CANCELLED', label, 'stopped before it was done')
    const foreseen = [...this.#ends.values()].includes('changed')
    if (!this.#how.apply && foreseen && OWN_CODES.includes(error.code)) {
      yield this.#skipped(index, label, `cannot be foreseen before the changes above are made: ${error.message}`)
      return 'left'
    }
    this.#failures.push({ resource: label, error })
    yield { ...common, state: 'failed', error }
    return 'failed'
  }

  /** Runs what is owed, in order. At a flush, what waits for others, or has failed already, is left for the end. */
  async *#flush(when: 'flush' | 'end'): Said {
    const { handlers } = this.#prepared.policy
    for (const [place, index] of handlers.entries()) {
      const { id, after, onChange } = this.#wishes.resource(index)
      if (!this.#owed.has(id) || this.#ends.get(index) === 'failed') continue
      const waits = [...after, ...onChange].some(other => !this.#past.has(other) && !handlers.includes(other))
      if (when === 'flush' && (waits || this.#blocker(index) !== undefined)) continue
      yield* this.#turn(index, handlers.slice(place + 1))
    }
  }

  /** What is owed since an earlier run, and will not be paid by this policy. */
  *#leftOver(): Generator<ResourceResult, void, void> {
    for (const [id, file] of this.#before.ids) {
      if (!this.#owed.has(id)) continue
      const index = this.#prepared.policy.entries.findIndex(entry => entry.kind === 'resource' && entry.id === id)
      const isKnown = index >= 0 && this.#wishes.isWanted(index)
      if (isKnown && this.#wishes.units(index).length > 0) continue
      const why = isKnown
        ? 'its when does not hold here'
        : index >= 0
          ? 'it is not for this node now'
          : 'the policy has it no more'
      yield this.#skipped(
        index,
        id,
        `it is owed since an earlier run, but ${why}; to forget it: rm ${this.#before.folder}/${file}`,
      )
    }
  }

  #skipped(index: number, resource: string, detail: string): ResourceResult {
    const place = this.#places.get(index) ?? this.#places.size
    return { resource, place, state: 'skipped', changes: [], detail }
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
const ENDS = ['failed', 'blocked', 'changed', 'ok', 'left'] as const satisfies readonly End[]

/** Errors which are one resource's own. */
const OWN_CODES: readonly string[] = ['ACTOR_FAILED', 'ACTOR_OPTION', 'COMMAND_FAILED', 'CONFIG']

/** As a report shows it: the name it was given, else the actor and what it is about on this target. */
const labelOf = ({ id, named, each }: Resource, { actor, subject }: Ready): string => {
  if (!named) return subject === '' ? actor : `${actor} ${subject}`
  return each ? `${id} (${subject})` : id
}
