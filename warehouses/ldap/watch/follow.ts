/** Searches which the server goes on answering: synchronisation (RFC 4533) and the older persistent search. */
import { BerReader, BerWriter, Control, PersistentSearchControl } from 'ldapts'
import { resultTrouble } from '../failure.ts'
import type { Question, Turn } from '../search.ts'
import type { Heard } from '../session.ts'

export const SYNC_REQUEST = '1.3.6.1.4.1.4203.1.9.1.1'
export const PERSISTENT_SEARCH = PersistentSearchControl.type

/** RFC 4533 section 2.2: everything as it is now, then what changes, until we go. */
class SyncRequestControl extends Control {
  constructor() {
    super(SYNC_REQUEST, { critical: true })
  }

  protected override writeControl(writer: BerWriter): void {
    const REFRESH_AND_PERSIST = 3
    const value = new BerWriter()
    value.startSequence()
    value.writeEnumeration(REFRESH_AND_PERSIST)
    value.endSequence()
    writer.writeBuffer(value.buffer, 0x04)
  }
}

/** What an intermediate message of RFC 4533 section 2.5 means to us. */
const syncInfo = (value: Buffer): 'refreshed' | 'refreshing' | 'cookie' | 'changes' => {
  const reader = new BerReader(value)
  const [COOKIE, REFRESH_DELETE, REFRESH_PRESENT] = [0x80, 0xa1, 0xa2]
  const kind = reader.peek()
  if (kind === COOKIE) return 'cookie'
  if (kind !== REFRESH_DELETE && kind !== REFRESH_PRESENT) return 'changes'
  reader.readSequence(kind)
  const end = reader.offset + reader.length
  const [OCTETS, BOOLEAN] = [0x04, 0x01]
  if (reader.offset < end && reader.peek() === OCTETS) reader.readString(OCTETS)
  const isDone = reader.offset < end && reader.peek() === BOOLEAN ? reader.readBoolean() : true
  return isDone ? 'refreshed' : 'refreshing'
}

/** Results by which a server says that it does not do such searches, or not for us (RFC 4511 appendix A). */
const NOT_OFFERED: readonly number[] = [3, 4, 11, 12, 50, 53]

/** A part of the directory which is followed. */
interface Followed {
  /** Whether what comes from now on is news. */
  isCurrent: boolean
}

/**
 * Yields once when all is followed, and whenever something has changed since then. Ends when the server does not do this for
 * us. Throws `WAREHOUSE_FAILED` or what the network says when it cannot go on.
 */
export async function* follow(
  turn: Turn,
  questions: readonly Question[],
  kind: 'sync' | 'persistent',
): AsyncGenerator<void> {
  const { session, server, settings, purpose } = turn
  let news = Promise.withResolvers<void>()
  const parts = questions.flatMap(question => question.bases.map(base => ({ question, base })))
  const followed: Followed[] = parts.map(() => ({ isCurrent: kind === 'persistent' }))
  const heard = (part: Followed, what: Heard) => {
    if (what.kind === 'intermediate') {
      const info = syncInfo(what.value)
      if (info === 'refreshed') part.isCurrent = true
      if (info === 'refreshing' || info === 'cookie') return
    }
    if (followed.every(({ isCurrent }) => isCurrent)) news.resolve()
  }
  const control = () =>
    kind === 'sync'
      ? new SyncRequestControl()
      : new PersistentSearchControl({ critical: true, value: { changeTypes: 15, changesOnly: true, returnECs: false } })
  const ends = parts.map(async ({ question: { filter }, base }, i) => {
    const part = followed[i] as Followed
    const reply = await session.follow({ base, filter, attributes: ['1.1'] }, control(), what => heard(part, what))
    if (reply.status === 0 || NOT_OFFERED.includes(reply.status)) return 'not offered' as const
    throw resultTrouble(settings, server, purpose, reply, base)
  })
  const end = Promise.race(ends)
  for (const one of ends) one.catch(() => {}) // the first one which ends is told; the others end with the session
  if (kind === 'persistent') news.resolve()
  for (;;) {
    const ended = await Promise.race([news.promise, end])
    if (ended === 'not offered') return
    news = Promise.withResolvers()
    yield
  }
}
