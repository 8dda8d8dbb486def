/** Asking again and again, later and later, until something is so or the time is up. */

import { z } from 'zod'
import { type Abortable, orAborted, pause } from '../../src/base/abortable.ts'
import { parseDuration } from '../../src/base/duration.ts'
import { type ErrorCode, StokerError } from '../../src/base/errors.ts'
import { type BackOff, backOff } from '../../src/base/retry.ts'
import { stopwatch } from '../../src/base/stopwatch.ts'
import type { Connection } from '../../src/connection/connection.ts'
import type { Job } from '../../src/run/actor.ts'

/** It is so; or not yet, and why. */
export type CheckResult = { readonly kind: 'yes' } | { readonly kind: 'not-yet'; readonly why: string }

export interface RetryLimits extends BackOff {
  /** Milliseconds after which it is given up. */
  readonly within: number
}

/** How it ended, after so many milliseconds; with `late`, `why` is the last reason. */
export type RetryResult =
  | { readonly kind: 'yes'; readonly after: number }
  | { readonly kind: 'late'; readonly why: string; readonly after: number }

/** Checks at least once. Throws what `check` throws, and the reason of the job's signal. */
export const retryUntil = async (
  check: (io: Abortable) => Promise<CheckResult>,
  { within, ...limits }: RetryLimits,
  { signal }: Abortable,
): Promise<RetryResult> => {
  const began = performance.now()
  using late = stopwatch(within)
  const io = { signal: AbortSignal.any([signal, late.signal]) }
  let why = 'no answer'
  try {
    for (let tries = 1; ; tries++) {
      const result = await check(io)
      if (result.kind === 'yes') return { kind: 'yes', after: performance.now() - began }
      why = result.why
      await pause(backOff(tries, limits), io)
    }
  } catch (thrown) {
    signal.throwIfAborted()
    if (!late.signal.aborted) throw thrown
    return { kind: 'late', why, after: performance.now() - began }
  }
}

/** A new connection to the target, not waited for any longer than `io` says. */
export const connectWithin = async (job: Job, io: Abortable): Promise<Connection> => {
  const opening = job.connect()
  try {
    return await orAborted(opening, io)
  } catch (thrown) {
    // Should it come after all, nobody wants it any more; what it failed of is told by `thrown`.
    opening.then(
      connection => connection[Symbol.asyncDispose](),
      () => {},
    )
    throw thrown
  }
}

/** Why not yet, when the error is one of these; throws all others. */
export const notYetOrThrow = (thrown: unknown, codes: readonly ErrorCode[]): CheckResult => {
  if (thrown instanceof StokerError && codes.includes(thrown.code)) return { kind: 'not-yet', why: thrown.message }
  throw thrown
}

/** How long, as people write it: `90`, `5m`; in milliseconds. */
export const duration = z
  .union([z.number(), z.string()], { error: 'expected a time such as 90s or 5m' })
  .transform((input, context) => {
    try {
      return parseDuration(input)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as TypeError).message })
      return z.NEVER
    }
  })
