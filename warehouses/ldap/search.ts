/** Searches on one session, complete or not at all. */

import { shown } from '../../src/base/names.ts'
import { dnKey } from './dn.ts'
import type { Entry } from './entry.ts'
import { refused, resultTrouble } from './failure.ts'
import type { Filter } from './filter.ts'
import type { Reply, Session } from './session.ts'
import type { Server, Settings } from './settings.ts'

/** What is to be found below each of the bases. */
export interface Question {
  readonly bases: readonly string[]
  readonly filter: Filter
  readonly attributes: readonly string[]
}

export interface Turn {
  readonly session: Session
  readonly server: Server
  readonly settings: Settings
  /** What for, in the message of a failure. */
  readonly purpose: string
  /** Milliseconds. */
  readonly time: number
}

/**
 * The entries for each question; bases which lie in each other give each entry once. Whole first, all at once: one round
 * trip. Some servers give everything only in pages; they say that a size limit is reached, and what came before that is
 * thrown away.
 */
export const searchAll = async (turn: Turn, questions: readonly Question[]): Promise<readonly (readonly Entry[])[]> => {
  const { pageSize } = turn.settings
  const parts = questions.flatMap(question => question.bases.map(base => ({ question, base })))
  const replies = await all(parts.map(part => (pageSize === undefined ? search(turn, part) : undefined)))
  const found = new Map<Question, Entry[]>(questions.map(question => [question, []]))
  for (const [i, part] of parts.entries()) {
    const reply = replies[i]
    const entries =
      !reply || LIMITED.includes(reply.status)
        ? // One after the other: OpenLDAP remembers one paged search for each connection.
          await searchPages(turn, part, pageSize ?? USUAL_PAGE)
        : complete(turn, part, reply)
    for (const entry of entries) found.get(part.question)?.push(entry)
  }
  return questions.map(question => {
    const entries = found.get(question) ?? []
    return question.bases.length === 1 ? entries : [...new Map(entries.map(one => [dnKey(one.dn), one])).values()]
  })
}

interface Part {
  readonly question: Question
  readonly base: string
}

/** Waits for every part before it throws: no rejection is left unseen. */
const all = async <T>(parts: readonly (Promise<T> | undefined)[]): Promise<readonly (T | undefined)[]> => {
  await Promise.allSettled(parts)
  return await Promise.all(parts)
}

// What the servers of some makers give at most on one page.
const USUAL_PAGE = 1_000

/** Size limits of the server (RFC 4511 appendix A): of this search, and of any. */
const LIMITED: readonly number[] = [4, 11]

const searchPages = async (turn: Turn, part: Part, size: number): Promise<readonly Entry[]> => {
  const entries: Entry[] = []
  let cookie: Buffer | undefined
  do {
    const reply = await search(turn, part, { size, cookie })
    for (const entry of complete(turn, part, reply)) entries.push(entry)
    cookie = reply.cookie
  } while (cookie) // also after a page without entries (RFC 2696 section 3)
  return entries
}

const search = ({ session, time }: Turn, { question, base }: Part, page?: Page): Promise<Reply> =>
  session.search({
    ...{ base, filter: question.filter, attributes: question.attributes, timeLimit: Math.ceil(time / 1_000) },
    ...(page && { page }),
  })

type Page = { readonly size: number; readonly cookie: Buffer | undefined }

/** The reply's entries, when they are all there is. */
const complete = ({ server, settings, purpose }: Turn, { base }: Part, reply: Reply): readonly Entry[] => {
  if (reply.status !== 0) throw resultTrouble(settings, server, purpose, reply, base)
  const [elsewhere] = reply.references
  if (elsewhere === undefined) return reply.entries
  const what = `a part of what is below ${shown(base)} is at another server, ${shown(elsewhere)}; choose a narrower base`
  throw refused(settings, server, purpose, what)
}
