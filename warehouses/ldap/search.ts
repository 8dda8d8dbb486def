/** Searches on one session, complete or not at all. */

import { shown } from '../../src/names.ts'
import { dnKey } from './dn.ts'
import type { Entry } from './entry.ts'
import { refused, resultTrouble } from './failure.ts'
import type { Question } from './servers.ts'
import type { Reply, Session } from './session.ts'
import type { Server, Settings } from './settings.ts'

export interface Turn {
  readonly session: Session
  readonly server: Server
  readonly settings: Settings
  /** What for, in the message of a failure. */
  readonly asked: string
  /** Milliseconds. */
  readonly time: number
}

/** The entries for each question. All are asked at once; bases which lie in each other give each entry once. */
export const searchAll = (turn: Turn, questions: readonly Question[]): Promise<readonly (readonly Entry[])[]> =>
  all(
    questions.map(async question => {
      const found = await all(question.bases.map(base => searchBelow(turn, question, base)))
      const [first = []] = found
      if (found.length === 1) return first
      return [...new Map(found.flat().map(entry => [dnKey(entry.dn), entry])).values()]
    }),
  )

/** Like `Promise.all`, but waits for every part before it throws: no rejection is left unseen. */
const all = async <T>(parts: readonly Promise<T>[]): Promise<readonly T[]> => {
  await Promise.allSettled(parts)
  return await Promise.all(parts)
}

// What the servers of some makers give at most on one page.
const USUAL_PAGE = 1_000

/** Size limits of the server (RFC 4511 appendix A): of this search, and of any. */
const LIMITED: readonly number[] = [4, 11]

/**
 * Whole first: one round trip. Some servers give everything only in pages; they say that there is more than they give
 * whole. What came before that is thrown away.
 */
const searchBelow = async (turn: Turn, question: Question, base: string): Promise<readonly Entry[]> => {
  const { pageSize } = turn.settings
  if (pageSize !== undefined) return await searchPages(turn, question, base, pageSize)
  const reply = await search(turn, question, base)
  if (LIMITED.includes(reply.status)) return await searchPages(turn, question, base, USUAL_PAGE)
  return complete(turn, base, reply)
}

const searchPages = async (turn: Turn, question: Question, base: string, size: number): Promise<readonly Entry[]> => {
  const entries: Entry[] = []
  let cookie: Buffer | undefined
  do {
    const reply = await search(turn, question, base, { size, cookie })
    for (const entry of complete(turn, base, reply)) entries.push(entry)
    cookie = reply.cookie
  } while (cookie) // also after a page without entries (RFC 2696 section 3)
  return entries
}

const search = ({ session, time }: Turn, { filter, attributes }: Question, base: string, page?: Page): Promise<Reply> =>
  session.search({ base, filter, attributes, timeLimit: Math.ceil(time / 1_000), ...(page && { page }) })

type Page = { readonly size: number; readonly cookie: Buffer | undefined }

/** The reply's entries, when they are all there is. */
const complete = ({ server, settings, asked }: Turn, base: string, reply: Reply): readonly Entry[] => {
  if (reply.status !== 0) throw resultTrouble(settings, server, asked, reply, base)
  const [elsewhere] = reply.references
  if (elsewhere === undefined) return reply.entries
  const what = `a part of what is below ${shown(base)} is at another server, ${shown(elsewhere)}; choose a narrower base`
  throw refused(settings, server, asked, what)
}
