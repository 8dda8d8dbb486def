/** The directory servers as one: asks the first one that can be used, all within the deadline. */

import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { stopwatch } from '../../src/base/stopwatch.ts'
import { connect } from './connect.ts'
import type { Entry } from './entry.ts'
import { networkTrouble, noneLeft, unusable } from './failure.ts'
import { type Question, searchAll } from './search.ts'
import type { Session } from './session.ts'
import type { Server, Settings } from './settings.ts'

export interface Servers extends AsyncDisposable {
  /**
   * The entries which answer each question, all asked at once on one connection; every entry once. `purpose` says in a few
   * words what for, in the message of a failure. Throws `WAREHOUSE_FAILED`, or `CONFIG` for a file that cannot be used; a
   * part of the entries is never an answer. An abort ends it at once.
   */
  ask(purpose: string, questions: readonly Question[], io: Abortable): Promise<readonly (readonly Entry[])[]>
}

/** An open connection which nobody uses at present. */
interface Idle {
  readonly server: Server
  readonly session: Session
}

/** Does nothing before the first question. */
export const openServers = (settings: Settings): Servers => {
  let idle: Idle[] = []
  let isDisposed = false

  /** One server's turn, with a connection from before or a new one; the connection is kept when all went well. */
  const attempt = async (
    { server, session: kept }: { readonly server: Server; readonly session?: Session },
    purpose: string,
    questions: readonly Question[],
    time: number,
    given: AbortSignal,
  ) => {
    using late = stopwatch(time)
    const signal = AbortSignal.any([given, late.signal])
    let session = kept
    const stop = () => session?.destroy(signal.reason)
    try {
      session ??= await connect(server, settings, purpose, { signal })
      signal.throwIfAborted()
      signal.addEventListener('abort', stop)
      const answers = await searchAll({ session, server, settings, purpose, time }, questions)
      if (isDisposed) await session.close()
      else idle.push({ server, session })
      return answers
    } catch (thrown) {
      session?.destroy(new Error('given up', { cause: thrown }))
      given.throwIfAborted()
      throw thrown instanceof StokerError ? thrown : unusable(server, networkTrouble(thrown, server, time), thrown)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    async ask(purpose, questions, { signal }) {
      signal.throwIfAborted()
      const end = performance.now() + settings.deadline
      const kept = idle.filter(({ session }) => session.isOpen).slice(0, 1)
      idle = idle.filter(one => one !== kept[0])
      const turns = [...kept, ...settings.servers.map(server => ({ server }))]
      const reasons: StokerError[] = []
      for (const [i, turn] of turns.entries()) {
        // Those which are still to come must have some time, too.
        const time = Math.max(1, Math.floor((end - performance.now()) / (turns.length - i)))
        try {
          return await attempt(turn, purpose, questions, time, signal)
        } catch (thrown) {
          if (!(thrown instanceof StokerError) || thrown.code !== 'CONNECT_FAILED') throw thrown
          reasons.push(thrown)
        }
      }
      throw noneLeft(settings, purpose, reasons)
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true
      const open = idle
      idle = []
      await Promise.all(open.map(({ session }) => session.close()))
    },
  }
}
