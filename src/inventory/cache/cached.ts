/**
 * A warehouse made of a warehouse: answers are kept, and stand in while the source is down. A run sees one world: all its
 * answers come from the source, or all from the copy. Which one is decided by the first question.
 */
import type { Abortable } from '../../base/abortable.ts'
import { orAborted } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import { harmlessMessage } from '../../base/printable.ts'
import type { Warehouse } from '../warehouse.ts'
import { age } from './age.ts'
import { type Copy, copyOf, type Held } from './copy.ts'
import {
  allGroups,
  allNetworks,
  allNodes,
  allRecords,
  factsOf,
  matching,
  membersOf,
  type Notes,
  type Question,
} from './question.ts'
import { copyStore } from './store.ts'

export interface CachedOptions {
  /** The file of the copy, as an absolute path. */
  readonly file: string
  /** Milliseconds for which the copy answers and the source is not asked; 0: it is always asked. */
  readonly ttl: number
  /** Milliseconds for which the copy stands in when the source is down; 0: it never does. */
  readonly keep: number
  /** What the source says now counts, whatever was kept. */
  readonly fresh: boolean
  /** What the source holds in memory; `undefined`: only what was asked is kept. */
  readonly held?: Held | undefined
  /** Called when the copy stands in for the source, and when there is something wrong with the file. */
  readonly notice: (text: string) => void
  /** The time, in milliseconds since 1970. */
  readonly now?: () => number
}

/** Where a run's answers come from. */
type SourceState =
  | { readonly kind: 'undecided' }
  | { readonly kind: 'source'; readonly since: number }
  | { readonly kind: 'recent'; readonly copy: Copy }
  | { readonly kind: 'last-good'; readonly copy: Copy; readonly failure: StokerError }
  /** The copy and the source contradict each other, and both are needed. */
  | { readonly kind: 'torn'; readonly failure: StokerError; readonly since: number }

type Attempt<T> =
  | { readonly kind: 'answer'; readonly answer: T }
  | { readonly kind: 'failed'; readonly failure: StokerError }
  /** Not the source's failing: an abort, a wrong option, a query which makes no sense. */
  | { readonly kind: 'thrown'; readonly thrown: unknown }

/**
 * The copy is written when the warehouse is disposed. Throws what the source throws, and `WAREHOUSE_FAILED` for what
 * neither the source nor the copy can answer.
 */
export const cached = (source: Warehouse, options: CachedOptions): Warehouse => {
  const { file, ttl, keep, fresh, held, notice, now = Date.now } = options
  const { name } = source
  const store = copyStore({ file, warehouse: name, notice: reportOnce(notice), now })
  const inTurn = queue()
  const notes: Notes = { members: new Map(), nodes: new Map(), queries: new Map() }
  /** What the recent copy answered, to be confirmed by the source should the copy prove not to have everything. */
  const answered: { readonly question: Question<unknown>; readonly answer: unknown }[] = []
  let state: SourceState = { kind: 'undecided' }
  let disposing: Promise<void> | undefined

  const ask = async <T>(question: Question<T>, io: Abortable): Promise<T> => {
    io.signal.throwIfAborted()
    if (state.kind === 'source') return await fromSource(question, attempt(question, io))
    // While it is not decided where answers come from, questions still reach the source together.
    const early = state.kind === 'undecided' && (ttl === 0 || fresh) ? attempt(question, io) : undefined
    const decision = inTurn(() => decide(question, io, early))
    const answer = await orAborted(decision, io)
    return await answer()
  }

  /** Decides, if that is still to be done. What is returned gets the answer; that need not be waited for in turn. */
  const decide = async <T>(
    question: Question<T>,
    io: Abortable,
    early: Promise<Attempt<T>> | undefined,
  ): Promise<() => Promise<T>> => {
    if (state.kind === 'undecided' && ttl > 0 && !fresh) {
      const recent = (await store.read(io)).filter(({ at }) => at > now() - ttl)
      const copy = copyOf(recent, held)
      if (question.find(copy)) state = { kind: 'recent', copy }
    }
    switch (state.kind) {
      case 'source':
        return () => fromSource(question, early ?? attempt(question, io))
      case 'last-good': {
        const { copy, failure } = state
        return async () => fromCopy(question, copy, failure)
      }
      case 'torn':
        throw state.failure
      case 'recent': {
        const found = question.find(state.copy)
        if (!found) return await askSource(question, io, early)
        answered.push({ question: question as Question<unknown>, answer: found.answer })
        return async () => found.answer
      }
      case 'undecided':
        return await askSource(question, io, early)
      default:
        throw new Error(`unknown state: ${state satisfies never}`)
    }
  }

  /** The source answers, and from now on it does; or else the last good copy. */
  const askSource = async <T>(
    question: Question<T>,
    io: Abortable,
    early: Promise<Attempt<T>> | undefined,
  ): Promise<() => Promise<T>> => {
    const since = now()
    const attempted = await (early ?? attempt(question, io))
    if (attempted.kind === 'thrown') throw attempted.thrown
    if (attempted.kind === 'failed') return await lastGood(question, attempted.failure, io)
    const doubt = await doubts(question, attempted.answer, io)
    if (doubt) return await lastGood(question, doubt, io)
    const changed = await confirm(io)
    if (changed?.kind === 'failed') return await lastGood(question, changed.failure, io)
    if (changed) {
      question.note(notes, attempted.answer)
      const failure = broken(
        `${changed.label} has changed since the copy was made, which does not tell ${question.label}; run it again`,
      )
      state = { kind: 'torn', failure, since }
      throw failure
    }
    state = { kind: 'source', since }
    return () => fromSource(question, attempted)
  }

  const attempt = async <T>(question: Question<T>, io: Abortable): Promise<Attempt<T>> => {
    try {
      return { kind: 'answer', answer: await question.ask(source, io) }
    } catch (thrown) {
      const isSources = !(thrown instanceof StokerError) || thrown.code === 'WAREHOUSE_FAILED'
      if (io.signal.aborted || !isSources) return { kind: 'thrown', thrown }
      const { message } = toStokerError(thrown, name, 'WAREHOUSE_FAILED')
      const failure =
        thrown instanceof StokerError && message.startsWith(`warehouse ${name}`) ? thrown : broken(message, thrown)
      return { kind: 'failed', failure }
    }
  }

  // After the source has answered it is its word which counts: the copy's would not go with it.
  const fromSource = async <T>(question: Question<T>, attempting: Attempt<T> | Promise<Attempt<T>>): Promise<T> => {
    const attempted = await attempting
    if (attempted.kind === 'thrown') throw attempted.thrown
    if (attempted.kind === 'failed') throw attempted.failure
    question.note(notes, attempted.answer)
    return attempted.answer
  }

  const fromCopy = <T>(question: Question<T>, copy: Copy, failure: StokerError): T => {
    const found = question.find(copy)
    if (found) return found.answer
    throw withMore(failure, `its copy of ${ago(copy)} does not tell ${question.label}`)
  }

  const lastGood = async <T>(question: Question<T>, failure: StokerError, io: Abortable): Promise<() => Promise<T>> => {
    if (fresh) throw withMore(failure, '--fresh takes no copy of it')
    if (keep === 0) throw failure
    const batches = await store.read(io)
    if (batches.length === 0) throw withMore(failure, 'there is no copy of it')
    const usable = batches.filter(({ at }) => at > now() - keep)
    if (usable.length === 0)
      throw withMore(failure, `its copy of ${ago(copyOf(batches, held))} is too old (keep: ${age(keep)})`)
    const copy = copyOf(usable, held)
    const answer = fromCopy(question, copy, failure)
    state = { kind: 'last-good', copy, failure }
    notice(harmlessMessage(`${failure.message}; using the copy of ${ago(copy)} (keep: ${age(keep)})`))
    return async () => answer
  }

  /** A source which has suddenly nothing is broken. */
  const doubts = async <T>(question: Question<T>, answer: T, io: Abortable): Promise<StokerError | undefined> => {
    if (fresh || keep === 0) return undefined
    // A source which holds its lists has them at hand; another one is asked for them when it has made us wonder.
    if (held ? (await isEmpty(io)) !== true : !question.isEmpty(answer)) return undefined
    if (copyOf(await store.read(io), held).isEmpty || (await isEmpty(io)) !== true) return undefined
    return broken(
      'it is suddenly empty, without a node or a group which has any (if that is right, say so with --fresh)',
    )
  }

  /** Whether the source has no node, and no group which has members; `undefined` when it is not known. */
  const isEmpty = async (io: Abortable): Promise<boolean | undefined> => {
    const nodes = source.records ? await attempt(allRecords, io) : source.all ? await attempt(allNodes, io) : undefined
    if (nodes?.kind === 'answer' && nodes.answer.length > 0) return false
    const groups = source.groups ? await attempt(allGroups, io) : undefined
    if (groups?.kind !== 'answer') return nodes?.kind === 'answer' ? true : undefined
    if (!held) return groups.answer.length === 0
    for (const group of groups.answer.filter(held.members)) {
      const members = await attempt(membersOf(group), io)
      if (members.kind !== 'answer' || members.answer?.length) return false
    }
    return true
  }

  /** Whether the source still says what the recent copy has said: the first answer which differs, if any. */
  const confirm = async (
    io: Abortable,
  ): Promise<
    { readonly kind: 'differs'; readonly label: string } | Extract<Attempt<never>, { kind: 'failed' }> | undefined
  > => {
    const attempts = await Promise.all(answered.map(one => attempt(one.question, io)))
    let differing: string | undefined
    for (const [i, one] of attempts.entries()) {
      if (one.kind === 'thrown') throw one.thrown
      if (one.kind === 'failed') return one
      const { question, answer } = answered[i] as (typeof answered)[number]
      question.note(notes, one.answer)
      if (question.text(one.answer) !== question.text(answer)) differing ??= question.label
    }
    return differing === undefined ? undefined : { kind: 'differs', label: differing }
  }

  const broken = (what: string, cause?: unknown): StokerError =>
    new StokerError('WAREHOUSE_FAILED', name, `warehouse ${name}: ${what}`, { cause })

  const ago = ({ oldest, newest }: Copy): string => {
    const most = age(now() - oldest)
    // What was asked for by one run is of one time.
    const least = newest - oldest < 1000 ? most : age(now() - newest)
    return least === most ? `${least} ago` : `${least} to ${most} ago`
  }

  /** Notes all that the source has in memory; what it does not know is left out. */
  const takeAll = async ({ members }: Held): Promise<void> => {
    const io = { signal: new AbortController().signal }
    const take = async <T>(question: Question<T>): Promise<void> => {
      const attempted = await attempt(question, io)
      if (attempted.kind === 'answer') question.note(notes, attempted.answer)
    }
    if (source.all) await take(allNodes)
    if (source.groups) await take(allGroups)
    for (const group of notes.groups ?? [])
      if (members(group) && !notes.members.has(group)) await take(membersOf(group))
    if (notes.all) notes.nodes.clear()
  }

  const dispose = async (): Promise<void> => {
    await using _source = source
    if ((state.kind !== 'source' && state.kind !== 'torn') || ttl + keep === 0) return
    if (held) await takeAll(held)
    const batch = { at: state.since, ...notes }
    // Somebody said that it is right: what was there before is no copy any more.
    const isNothing = fresh && (notes.groups || notes.all) && copyOf([batch], held).isEmpty
    await store.add(batch, isNothing ? Number.POSITIVE_INFINITY : now() - Math.max(ttl, keep))
  }

  const listing = <T>(question: Question<readonly T[]>) =>
    async function* (io: Abortable): AsyncGenerator<T> {
      yield* await ask(question, io)
    }

  return {
    // Whatever else it can do, such as creating its tables, it still can.
    ...source,
    name,
    members: (group, io) => ask(membersOf(group), io),
    async nodes(names, io) {
      io.signal.throwIfAborted()
      return names.length === 0 ? new Map() : await ask(factsOf(names), io)
    },
    ...(source.groups && { groups: listing(allGroups) }),
    ...(source.all && { all: listing(allNodes) }),
    ...(source.records && { records: listing(allRecords) }),
    ...(source.networks && { networks: listing(allNetworks) }),
    ...(source.query && { query: (query: string, io: Abortable) => ask(matching(query), io) }),
    [Symbol.asyncDispose]() {
      disposing ??= dispose()
      return disposing
    },
  }
}

/** The error with more in its message. */
const withMore = (failure: StokerError, more: string): StokerError =>
  new StokerError('WAREHOUSE_FAILED', failure.subject, `${failure.message}; ${more}`, { cause: failure })

const reportOnce = (notice: (text: string) => void): ((text: string) => void) => {
  const reported = new Set<string>()
  return text => {
    if (!reported.has(text)) notice(text)
    reported.add(text)
  }
}

/** Does one work at a time, in the order of the calls. */
const queue = (): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const mine = last.then(work)
    last = mine.catch(() => {}) // whoever asked for that work hears of it
    return mine
  }
}
