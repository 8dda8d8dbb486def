/** What happens in a run, in order: per target one `started`, any `output`, one `finished`. */
import type { Outcome } from './outcome.ts'
import type { Target } from './target.ts'

/** A piece of a target's output, as it came: not split at lines, not decoded. */
export interface Output {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Uint8Array
}

/** Where a target's time went, in milliseconds. Absent parts did not happen. */
export interface Timing {
  /** TCP and key exchange. */
  readonly connect?: number
  readonly auth?: number
  /** From the start of the action proper to its end. */
  readonly command?: number
  /** From the target's turn to its end. */
  readonly total: number
}

export type RunEvent =
  | { readonly kind: 'started'; readonly target: Target }
  | { readonly kind: 'output'; readonly target: Target; readonly output: Output }
  /** A target which never had its turn has no `started` and no timing above zero. */
  | { readonly kind: 'finished'; readonly target: Target; readonly outcome: Outcome; readonly timing: Timing }
