/** Makes the changes of a plan on the target, in order, and stops at the first which fails. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Connection, Output } from '../connection/connection.ts'
import type { Outcome } from '../run/outcome.ts'
import { lastLines, runBatch, type ScriptResult } from './batch.ts'
import type { BatchStep } from './batch-script.ts'
import type { Change, Step } from './convergent.ts'
import { sendContent, writeAsScript } from './send-content.ts'

export type Progress =
  /** What a step with `show` wrote. */
  | { readonly kind: 'output'; readonly output: Output }
  /** All steps of the change are done. */
  | { readonly kind: 'done'; readonly change: Change }

/**
 * Yields every change when it is made, and returns `ok`, or `failed` with what the target said; `subject` stands in messages.
 * Steps which follow each other share a round trip, but for large files. What is in them is in no list of processes. Throws
 * what the connection throws.
 */
export async function* applyChanges(
  subject: string,
  changes: readonly Change[],
  connection: Connection,
  io: Abortable,
): AsyncGenerator<Progress, Outcome, void> {
  const queue = await Promise.all(changes.flatMap(change => change.steps.map(step => prepareStep(change, step))))
  let reported = 0
  /** Reports the changes before that of the step; all of them when there is none. */
  const reportUntil = function* (next: PreparedStep | undefined): Generator<Progress> {
    const end = next ? changes.indexOf(next.change) : changes.length
    for (; reported < end; reported++) yield { kind: 'done', change: changes[reported] as Change }
  }
  while (queue.length > 0) {
    const [first] = queue as [PreparedStep]
    yield* reportUntil(first)
    if (first.script === undefined) {
      queue.shift()
      if (first.step.kind === 'write') await sendContent(connection, first.step, io)
      continue
    }
    const end = queue.findIndex(({ script }) => script === undefined)
    const together = queue.splice(0, end < 0 ? queue.length : end)
    const running = runBatch(connection, together.map(batchStep), { stop: true, hidden: true }, io)
    let next = await running.next()
    for (; !next.done; next = await running.next()) yield { kind: 'output', output: next.value }
    const { results: ran, abortReason } = next.value
    const stop = ran.findIndex(({ code }) => code !== 0)
    const failed = together[stop < 0 ? ran.length : stop]
    if (!failed) continue
    yield* reportUntil(failed)
    return failure(subject, failed, ran[stop], abortReason)
  }
  yield* reportUntil(undefined)
  return { kind: 'ok', changed: true }
}

interface PreparedStep {
  readonly change: Change
  readonly step: Step
  /** `undefined`: a file which is too large for a script. */
  readonly script: string | undefined
}

const prepareStep = async (change: Change, step: Step): Promise<PreparedStep> => ({
  change,
  step,
  script: step.kind === 'write' ? await writeAsScript(step) : step.script,
})

const batchStep = ({ step, script = '' }: PreparedStep): BatchStep => ({ script, show: isShown(step) })

const isShown = (step: Step): boolean => step.kind === 'run' && step.show === true

/** What was shown is not repeated; else the last lines say why. `result` is `undefined` when the shell ended under it. */
const failure = (
  subject: string,
  { change, step }: PreparedStep,
  results: ScriptResult | undefined,
  abortReason?: string,
): Outcome => {
  if (!results) {
    const message = `${subject}: ${change.what}: ${abortReason ?? 'it did not run'}`
    return { kind: 'failed', error: new StokerError('ACTOR_FAILED', subject, message) }
  }
  const exitCode = results.code
  if (isShown(step)) {
    const message = `${subject}: exit code ${exitCode}`
    return { kind: 'failed', error: new StokerError('COMMAND_FAILED', subject, message), exitCode }
  }
  const output = lastLines(results.stderr, 3) || lastLines(Buffer.from(results.stdout).toString(), 3)
  const message = `${subject}: ${change.what}: ${output ? `${output} (exit code ${exitCode})` : `exit code ${exitCode}`}`
  return { kind: 'failed', error: new StokerError('ACTOR_FAILED', subject, message), exitCode }
}
