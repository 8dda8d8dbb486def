/** Probes of many resources in one round trip. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Connection } from '../connection/connection.ts'
import { lastLines, MAX_STDOUT, runBatch, type ScriptResult } from './batch.ts'
import type { ProbeResult } from './convergent.ts'

export interface ProbeAllOptions extends Abortable {
  /** Whether the scripts must not be seen in the target's list of processes; default false. It may cost round trips. */
  readonly hidden?: boolean
}

/**
 * Runs the scripts on the target and returns what each printed, in their order; an error where one failed, or printed
 * more than 8 MiB. The error's message says only why: whose probe it was is known to the caller. Throws when the connection is
 * lost.
 */
export const probeAll = async (
  connection: Connection,
  scripts: readonly string[],
  { signal, hidden = false }: ProbeAllOptions,
): Promise<readonly (ProbeResult | StokerError)[]> => {
  const steps = scripts.map(script => ({ script, show: false }))
  const running = runBatch(connection, steps, { stop: false, hidden }, { signal })
  for (;;) {
    const step = await running.next()
    if (!step.done) continue
    const { results: ran, abortReason } = step.value
    return scripts.map((_, index) => {
      const one = ran[index]
      return one ? result(one) : failed(abortReason ?? 'it did not run')
    })
  }
}

const result = ({ code, stdout, stderr, truncated: cut }: ScriptResult): ProbeResult | StokerError => {
  if (code !== 0) return failed(lastLines(stderr, 1) || `exit code ${code}`)
  if (cut) return failed(`there is more than ${MAX_STDOUT >> 20} MiB to see`)
  return { stdout, stderr }
}

const failed = (why: string): StokerError => new StokerError('ACTOR_FAILED', 'probe', why)
