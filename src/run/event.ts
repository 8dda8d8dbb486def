/** What happens in a run, in order: per target one `started`, any `output` and `resource`, one `finished`. */
import type { StokerError } from '../base/errors.ts'
import type { Output } from '../connection/connection.ts'
import type { Target } from '../inventory/target.ts'
import type { Outcome } from './outcome.ts'

/** What became of one resource of a policy. */
export interface ResourceResult {
  /** As reports show it: the actor and what it is about, or the name it was given: `file /etc/motd`. */
  readonly resource: string
  /** Its place in the order of application, from 0. */
  readonly place: number
  /** `skipped`: it was its turn, and it was left alone; `detail` says why. */
  readonly state: ResourceState
  /** What was done, in order; with `--check` what would be done. */
  readonly changes: readonly MadeChange[]
  /** Why it was skipped, or what there is to tell of one where nothing had to be done. */
  readonly detail?: string
  /** With `failed`. */
  readonly error?: StokerError
}

/** All states, in the order in which reports show them. */
export const RESOURCE_STATES = ['ok', 'changed', 'failed', 'skipped'] as const

export type ResourceState = (typeof RESOURCE_STATES)[number]

export interface MadeChange {
  /** In a few words: `mode 0644 -> 0600`. */
  readonly what: string
  /** As `diff -u` has it, when it was asked for. */
  readonly diff?: string
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
  | { readonly kind: 'resource'; readonly target: Target; readonly result: ResourceResult }
  /** A target which never had its turn has no `started` and no timing above zero. */
  | { readonly kind: 'finished'; readonly target: Target; readonly outcome: Outcome; readonly timing: Timing }
