/** Small questions at intervals, for servers which do not tell of changes by themselves. */
import { createHash } from 'node:crypto'
import { type Abortable, pause } from '../../../src/base/abortable.ts'
import type { Entry } from '../entry.ts'
import { valuesOf } from '../entry.ts'
import { both, parseFilter } from '../filter.ts'
import type { Question } from '../search.ts'
import { searchAll, type Turn } from '../search.ts'

/** Milliseconds between two questions. */
const INTERVAL = 2_000
/** How long we stay away after a question about everything, in multiples of the time it took: it costs 5 % at most. */
const PACE = 20

/**
 * Yields once when it knows how things are, and whenever they have changed since. Ends when the server does not tell enough.
 * `contexts`: the naming contexts which the questions are about; a server with the overlay syncprov keeps there when anything
 * below was last changed (draft-chu-ldap-csn).
 */
export async function* poll(
  turn: Turn,
  questions: readonly Question[],
  contexts: readonly string[],
  io: Abortable,
): AsyncGenerator<string> {
  const read = async () => (contexts.length === 0 ? undefined : await contextCsn(turn, contexts))
  let before = await read()
  if (before === undefined) return yield* pollTimestamps(turn, questions, io)
  const basis = `its contextCSN, every ${INTERVAL / 1_000} s`
  yield basis
  for (;;) {
    await pause(INTERVAL, io)
    const now = await read()
    if (now === undefined) return
    if (now !== before) yield basis
    before = now
  }
}

/** When anything below was last changed; `undefined` when the server does not tell for each context. */
const contextCsn = async ({ session, time }: Turn, contexts: readonly string[]): Promise<string | undefined> => {
  const search = { filter: parseFilter('(objectClass=*)'), attributes: ['contextCSN'], scope: 'base' } as const
  const timeLimit = Math.ceil(time / 1_000)
  const replies = await Promise.all(contexts.map(base => session.search({ ...search, base, timeLimit })))
  const values = replies.map(({ entries }) => entries.flatMap(entry => valuesOf(entry, 'contextCSN')).sort())
  return values.some(ones => ones.length === 0) ? undefined : JSON.stringify(values)
}

/** What is below, by when it was changed. */
interface Watermark {
  /** The newest time of all; `undefined`: no entry has any. */
  readonly newest: string | undefined
  readonly all: string
  /** What has the newest time: within its second more may come. */
  readonly recent: string
}

async function* pollTimestamps(turn: Turn, questions: readonly Question[], io: Abortable): AsyncGenerator<string> {
  const basis = `its modifyTimestamp, every ${INTERVAL / 1_000} s`
  let last = await everything(turn, questions)
  if (last.watermark.newest === undefined) return
  // Some servers tell the time of an entry and cannot search for it.
  const canSearch = (await changedSince(turn, questions, last.watermark.newest)) === last.watermark.recent
  yield basis
  for (;;) {
    await pause(INTERVAL, io)
    const { newest = '', recent, all } = last.watermark
    const isDue = performance.now() > last.next
    if (!isDue && (!canSearch || (await changedSince(turn, questions, newest)) === recent)) continue
    // What is gone has no time: only the whole tells.
    last = await everything(turn, questions)
    if (last.watermark.newest === undefined) return
    if (last.watermark.all !== all) yield basis
  }
}

const ATTRIBUTES = ['modifyTimestamp', 'entryCSN']

const everything = async (
  turn: Turn,
  questions: readonly Question[],
): Promise<{ readonly watermark: Watermark; readonly next: number }> => {
  const begin = performance.now()
  const entries = (await searchAll(turn, withAttributes(questions))).flat()
  const end = performance.now()
  return { watermark: watermarkOf(entries), next: end + PACE * (end - begin) }
}

const changedSince = async (turn: Turn, questions: readonly Question[], newest: string): Promise<string> => {
  const since = parseFilter(`(modifyTimestamp>=${newest})`)
  const narrowed = withAttributes(questions).map(one => ({ ...one, filter: both(one.filter, since) }))
  return digest((await searchAll(turn, narrowed)).flat())
}

const withAttributes = (questions: readonly Question[]): readonly Question[] =>
  questions.map(question => ({ ...question, attributes: ATTRIBUTES }))

const watermarkOf = (entries: readonly Entry[]): Watermark => {
  const newest = entries.map(timeOf).reduce((a, b) => (a > b ? a : b), '')
  const isFit = /^\d{14}[\d.,]*(?:Z|[+-]\d+)$/.test(newest) // generalized time (RFC 4517 section 3.3.13)
  const recent = entries.filter(entry => timeOf(entry) === newest)
  return { newest: isFit ? newest : undefined, all: digest(entries), recent: digest(recent) }
}

const timeOf = (entry: Entry): string => valuesOf(entry, 'modifyTimestamp')[0] ?? ''

const digest = (entries: readonly Entry[]): string => {
  const lines = entries.map(entry => [entry.dn, ...ATTRIBUTES.flatMap(one => valuesOf(entry, one))].join('\0'))
  return createHash('sha256').update(lines.sort().join('\n')).digest('base64')
}
