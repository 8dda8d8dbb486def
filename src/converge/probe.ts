/** Looks of many resources in one round trip. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Connection } from '../connection/connection.ts'
import { lastLines, MOST_STDOUT, type Ran, runBatch } from './batch.ts'
import type { Seen } from './convergent.ts'

export interface LookAllOptions extends Abortable {
  /** Whether the scripts must not be seen in the target's list of processes; default false. It may cost round trips. */
  readonly hidden?: boolean
}

/**
 * Runs the scripts on the target and returns what each printed, in their order; an error where one could not look, or printed
 * more than 8 MiB. The error's message says only why: whose look it was is known to the caller. Throws when the connection is
 * lost.
 */
export const lookAll = async (
  connection: Connection,
  scripts: readonly string[],
  { signal, hidden = false }: LookAllOptions,
): Promise<readonly (Seen | StokerError)[]> => {
  const steps = scripts.map(script => ({ script, show: false }))
  const running = runBatch(connection, steps, { stop: false, hidden }, { signal })
  for (;;) {
    const step = await running.next()
    if (!step.done) continue
    const { ran, broken } = step.value
    return scripts.map((_, index) => {
      const one = ran[index]
      return one ? seen(one) : failed(broken ?? 'it did not run')
    })
  }
}

const seen = ({ code, stdout, stderr, cut }: Ran): Seen | StokerError => {
  if (code !== 0) return failed(lastLines(stderr, 1) || `exit code ${code}`)
  if (cut) return failed(`there is more than ${MOST_STDOUT >> 20} MiB to see`)
  return { stdout, stderr }
}

const failed = (why: string): StokerError => new StokerError('ACTOR_FAILED', 'look', why)
