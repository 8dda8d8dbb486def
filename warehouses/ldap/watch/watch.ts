/** Being told when something in the directory has changed. */

import type { Abortable } from '../../../src/base/abortable.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { stopwatch } from '../../../src/base/stopwatch.ts'
import { connect } from '../connect.ts'
import { dnKey } from '../dn.ts'
import { valuesOf } from '../entry.ts'
import { networkTrouble, noneLeft, unusable } from '../failure.ts'
import { parseFilter } from '../filter.ts'
import type { Question, Turn } from '../search.ts'
import type { Session } from '../session.ts'
import type { Server, Settings } from '../settings.ts'
import { follow, PERSISTENT_SEARCH, SYNC_REQUEST } from './follow.ts'
import { poll } from './poll.ts'

const PURPOSE = 'notice of changes'

/**
 * Yields once when it listens, and whenever an answer to one of these questions may have changed since; each time how it
 * knows. Ends when the server does not tell enough to know. Throws `WAREHOUSE_FAILED` when no server can be used, and when
 * the one which was listened to is lost or does not answer any more.
 */
export async function* changes(
  settings: Settings,
  questions: readonly Question[],
  io: Abortable,
): AsyncGenerator<string> {
  const { server, session } = await firstUsable(settings, io)
  const turn: Turn = { session, server, settings, purpose: PURPOSE, time: settings.deadline }
  const stop = () => session.destroy(io.signal.reason)
  io.signal.addEventListener('abort', stop)
  using _watch = heartbeat(turn)
  try {
    const { controls, contexts } = await rootEntry(turn)
    for (const [oid, kind] of FOLLOWED)
      if (controls.includes(oid))
        for await (const _ of follow(turn, questions, kind.follow)) yield `${server.url}, by ${kind.basis}`
    const bases = questions.flatMap(({ bases }) => bases)
    const around = contexts.filter(context => bases.some(base => isBelow(base, context)))
    const areAll = bases.every(base => around.some(context => isBelow(base, context)))
    for await (const basis of poll(turn, questions, areAll ? around : [], io)) yield `${server.url}, by ${basis}`
  } catch (thrown) {
    io.signal.throwIfAborted()
    if (thrown instanceof StokerError && thrown.code !== 'CONNECT_FAILED') throw thrown
    throw noneLeft(settings, PURPOSE, [failure(server, BEATS * settings.deadline, thrown)])
  } finally {
    io.signal.removeEventListener('abort', stop)
    await session.close()
  }
}

const FOLLOWED = [
  [SYNC_REQUEST, { follow: 'sync', basis: 'synchronisation (RFC 4533)' }],
  [PERSISTENT_SEARCH, { follow: 'persistent', basis: 'persistent search' }],
] as const

const firstUsable = async (
  settings: Settings,
  { signal }: Abortable,
): Promise<{ readonly server: Server; readonly session: Session }> => {
  const reasons: StokerError[] = []
  for (const server of settings.servers) {
    using late = stopwatch(settings.deadline)
    const io = { signal: AbortSignal.any([signal, late.signal]) }
    try {
      return { server, session: await connect(server, settings, PURPOSE, io) }
    } catch (thrown) {
      signal.throwIfAborted()
      const reason = failure(server, settings.deadline, thrown)
      if (reason.code !== 'CONNECT_FAILED') throw reason
      reasons.push(reason)
    }
  }
  throw noneLeft(settings, PURPOSE, reasons)
}

/** `time`: the milliseconds which it had. */
const failure = (server: Server, time: number, thrown: unknown): StokerError =>
  thrown instanceof StokerError ? thrown : unusable(server, networkTrouble(thrown, server, time), thrown)

/** After so many times the deadline without an answer, a server stands still. */
const BEATS = 3

/**
 * A server which stands still says nothing, and its kernel keeps the connection: it is asked now and then for something
 * small, which it may be late with.
 */
const heartbeat = (turn: Turn): Disposable => {
  const { session, settings } = turn
  let missed = 0
  const beat = async () => {
    if (missed === BEATS - 1) return session.destroy(new DOMException('no answer', 'TimeoutError'))
    missed += 1
    await session.search(ROOT).catch(() => {}) // whoever listens is told that the session has ended
    missed = 0
  }
  const timer = setInterval(beat, settings.deadline)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** RFC 4512 section 5.1. */
const ROOT = {
  ...({ base: '', scope: 'base', timeLimit: 0 } as const),
  filter: parseFilter('(objectClass=*)'),
  attributes: ['supportedControl', 'namingContexts'],
}

/** What the server says of itself; nothing where it does not let us read that. */
const rootEntry = async ({
  session,
}: Turn): Promise<{ readonly controls: readonly string[]; readonly contexts: readonly string[] }> => {
  const [entry] = (await session.search(ROOT)).entries
  return {
    controls: entry ? valuesOf(entry, 'supportedControl') : [],
    contexts: entry ? valuesOf(entry, 'namingContexts') : [],
  }
}

const isBelow = (dn: string, context: string): boolean => {
  const [inner, outer] = [dnKey(dn), dnKey(context)]
  return inner === outer || inner.endsWith(`,${outer}`)
}
