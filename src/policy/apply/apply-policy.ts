/**
 * A policy on one target, over any connection: push and the agent do the same. What is secret stays so: all that is reported
 * passes the mask here.
 */

import { StokerError } from '../../base/errors.ts'
import type { Output } from '../../connection/connection.ts'
import { withShell } from '../../converge/remote-shell.ts'
import type { Target } from '../../inventory/target.ts'
import type { Actor, Job } from '../../run/actor.ts'
import type { ResourceResult } from '../../run/event.ts'
import type { Outcome } from '../../run/outcome.ts'
import type { PreparedPolicy } from '../prepare-policy.ts'
import { Application, type ApplyOptions } from './application.ts'

/**
 * Probes everything at once, changes what is not as it should be, and runs pending handlers. Yields a result for each
 * resource whose turn came, and what commands print; `failed` when a resource failed. Throws what the connection throws.
 */
export async function* applyPolicy(
  prepared: PreparedPolicy,
  target: Target,
  job: Pick<Job, 'apply' | 'connect' | 'diff' | 'signal'>,
  options: ApplyOptions = {},
): AsyncGenerator<Output | ResourceResult, Outcome, void> {
  const { mask } = prepared
  const output = mask.stream()
  try {
    await using connection = withShell(await job.connect(), job)
    const running = new Application(prepared, target, connection, { ...options, ...applyModeOf(job) }).run()
    for (;;) {
      const step = await running.next()
      if (!step.done && !('resource' in step.value)) {
        const shown = output.push(step.value)
        if (shown) yield shown
        continue
      }
      yield* output.end()
      if (!step.done) yield mask.resource(step.value as ResourceResult)
      else return 'error' in step.value ? { ...step.value, error: mask.error(step.value.error) } : step.value
    }
  } catch (thrown) {
    throw thrown instanceof StokerError ? mask.error(thrown) : thrown
  }
}

/** The policy as an actor, so that the core's window, time limits, report and exit codes are those of every run. */
export const policyActor = (prepared: PreparedPolicy, options: ApplyOptions = {}): Actor<undefined> => ({
  name: 'apply',
  summary: `apply the policy ${prepared.policy.name}`,
  takes: 'options',
  connects: true,
  parse: () => undefined,
  act: (target, _, job) => applyPolicy(prepared, target, job, options),
})

const applyModeOf = ({ apply, diff, signal }: Pick<Job, 'apply' | 'diff' | 'signal'>) => ({ apply, diff, signal })
