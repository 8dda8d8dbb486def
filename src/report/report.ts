/** The end of the pipe: takes a run's events, shows them through views, and says what they add up to. */
import type { RunEvent } from '../run/event.ts'
import { type Report, tally } from './tally.ts'

/** One way to show a run. Several may watch the same run; each sees every event, in order. */
export interface View extends Partial<AsyncDisposable> {
  /** While it waits, so does the run: this is how a slow reader slows the targets instead of filling the memory. */
  event(event: RunEvent): void | Promise<void>
  /** Once, after the last event. */
  end(report: Report): void | Promise<void>
}

export interface ReportOptions {
  /** A clock in milliseconds, for tests. */
  readonly now?: () => number
}

/**
 * Consumes all events, and disposes the views however it ends. A view which throws ends the run: the events' `return` is
 * called, and the error is thrown on.
 */
export const report = async (
  events: AsyncIterable<RunEvent>,
  views: readonly View[],
  { now = () => performance.now() }: ReportOptions = {},
): Promise<Report> => {
  await using stack = new AsyncDisposableStack()
  for (const view of views) stack.defer(() => view[Symbol.asyncDispose]?.())
  const start = now()
  const sum = tally()
  for await (const event of events) {
    sum.add(event)
    for (const view of views) {
      const busy = view.event(event)
      if (busy) await busy // most of the time there is nothing to wait for
    }
  }
  const report = sum.report(now() - start)
  for (const view of views) await view.end(report)
  return report
}

export interface ExitCodeOptions {
  /** `-S`: the largest exit code of a remote command. */
  readonly worst: boolean
  /** The user stopped the run. */
  readonly interrupted: boolean
}

/**
 * 130 when interrupted, 0 when all is ok, 1 when something failed, 4 when nothing failed but not every target was done.
 * With `worst` the largest remote exit code (at most 255), or 255 when no command said non-zero but not every target is ok.
 */
export const exitCode = (
  { counts, total, largestExitCode }: Report,
  { worst, interrupted }: ExitCodeOptions,
): number => {
  if (interrupted) return 130
  if (counts.ok === total) return 0
  if (worst) return largestExitCode === 0 ? 255 : Math.min(largestExitCode, 255)
  return counts.failed > 0 ? 1 : 4
}
