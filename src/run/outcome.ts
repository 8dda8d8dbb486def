/** How an action ended on one target. Every target of a run gets exactly one. */

import { StokerError } from '../base/errors.ts'
import type { Exit } from '../connection/connection.ts'

export type Outcome =
  /** Done. `changed: false` means nothing had to be done; with `--check`, `changed` says what would be. */
  | { readonly kind: 'ok'; readonly changed: boolean; readonly detail?: string }
  /** The action ran and went wrong; also a connection lost while it ran, because it may have had effects. */
  | { readonly kind: 'failed'; readonly error: StokerError; readonly exitCode?: number; readonly signal?: string }
  /** The target was never reached: the action did not begin. */
  | { readonly kind: 'unreachable'; readonly error: StokerError }
  /** The action began and its time was up; it was ended on the target. */
  | { readonly kind: 'timed-out'; readonly error: StokerError }
  /** The run was stopped while the action was going on; it was ended on the target. */
  | { readonly kind: 'cancelled'; readonly error: StokerError }
  /** It had begun, and nobody saw its end, because the program was killed: only what is read from a journal ends so. */
  | { readonly kind: 'unknown'; readonly error: StokerError }
  /** The run was stopped before this target's turn. */
  | { readonly kind: 'not-started' }

export type OutcomeKind = Outcome['kind']

/** All kinds, in the order in which reports show them. */
export const OUTCOME_KINDS = [
  'ok',
  'failed',
  'unreachable',
  'timed-out',
  'cancelled',
  'unknown',
  'not-started',
] as const

/** How a command's exit reads as an outcome: code 0 is ok, and counts as changed, because nobody knows what it did. */
export const outcomeOfExit = (name: string, exit: Exit): Outcome => {
  if (exit.kind === 'signal') {
    const error = new StokerError('COMMAND_FAILED', name, `ended by signal ${exit.signal}`)
    return { kind: 'failed', error, signal: exit.signal }
  }
  if (exit.code === 0) return { kind: 'ok', changed: true }
  const error = new StokerError('COMMAND_FAILED', name, `exit code ${exit.code}`)
  return { kind: 'failed', error, exitCode: exit.code }
}
