/** The report as data: what a run's events add up to. Pure; the time is handed in. */

import type { Target } from '../inventory/target.ts'
import type { RunEvent, Timing } from '../run/event.ts'
import { OUTCOME_KINDS, type Outcome, type OutcomeKind } from '../run/outcome.ts'
import { type ResourceCounts, resourceTotals } from './resource-counter.ts'
import { maskOwnNames } from './text/mask.ts'

/** How it ended on one target. */
export interface Result {
  readonly target: Target
  readonly outcome: Outcome
  readonly timing: Timing
}

/** Targets on which the same went wrong. */
export interface FailureGroup {
  readonly kind: Exclude<OutcomeKind, 'ok'>
  /** The error's code; `undefined` for targets which were not started. */
  readonly code: string | undefined
  /** As it came, where it is the same for all; else with `<node>` and `<address>` in place of each target's own. */
  readonly message: string
  /** What differs from one target to the next, such as an address or a fingerprint: each text once. */
  readonly details: readonly string[]
  readonly exitCode: number | undefined
  /** Without `SIG`: `KILL`. */
  readonly signal: string | undefined
  readonly targets: readonly Target[]
}

export interface Report {
  readonly total: number
  readonly counts: Readonly<Record<OutcomeKind, number>>
  /** How many of the `ok` ones changed something. */
  readonly changed: number
  /** How the resources of policies ended, on all targets together; absent when there were none. */
  readonly resources?: ResourceCounts
  /** Milliseconds from the first question for an event to the last event. */
  readonly wall: number
  /** The largest exit code of a command; 0 when none was above. */
  readonly largestExitCode: number
  /** Outcomes other than `ok`, by kind in the order of reports, then the largest group first. */
  readonly failures: readonly FailureGroup[]
  /** The targets which took longest, at most five, the slowest first. */
  readonly slowest: readonly Result[]
  /** One for each target, in the order in which they ended. */
  readonly results: readonly Result[]
}

const SLOWEST = 5

export interface Tally {
  add(event: RunEvent): void
  /** `wall` in milliseconds. */
  report(wall: number): Report
}

export const tally = (): Tally => {
  const results: Result[] = []
  const resources = resourceTotals()
  return {
    add(event) {
      if (event.kind === 'resource') resources.add(event.result.state)
      if (event.kind !== 'finished') return
      const { target, outcome, timing } = event
      results.push({ target, outcome, timing })
    },
    report(wall) {
      const counts = Object.fromEntries(OUTCOME_KINDS.map(kind => [kind, 0])) as Record<OutcomeKind, number>
      let changed = 0
      let largestExitCode = 0
      for (const { outcome } of results) {
        counts[outcome.kind]++
        if (outcome.kind === 'ok' && outcome.changed) changed++
        if (outcome.kind === 'failed') largestExitCode = Math.max(largestExitCode, outcome.exitCode ?? 0)
      }
      return {
        total: results.length,
        counts,
        changed,
        ...(resources.counts && { resources: resources.counts }),
        wall,
        largestExitCode,
        failures: failureGroups(results),
        slowest: results.toSorted((a, b) => b.timing.total - a.timing.total).slice(0, SLOWEST),
        results,
      }
    },
  }
}

const failureGroups = (results: readonly Result[]): FailureGroup[] => {
  const groups = new Map<
    string,
    Omit<FailureGroup, 'targets' | 'details'> & { targets: Target[]; details: Set<string> }
  >()
  for (const { target, outcome } of results) {
    if (outcome.kind === 'ok') continue
    const { detail, ...failure } = describe(outcome)
    const masked = maskOwnNames(failure.message, target)
    const key = JSON.stringify([failure.kind, failure.code, masked, failure.exitCode, failure.signal])
    const group = groups.get(key) ?? { ...failure, targets: [], details: new Set() }
    groups.set(key, group.message === failure.message ? group : { ...group, message: masked })
    group.targets.push(target)
    if (detail !== undefined) group.details.add(detail)
  }
  return [...groups.values()]
    .map(group => ({ ...group, details: [...group.details] }))
    .sort((a, b) => rank(a.kind) - rank(b.kind) || b.targets.length - a.targets.length)
}

const rank = (kind: OutcomeKind): number => OUTCOME_KINDS.indexOf(kind)

const describe = (outcome: Exclude<Outcome, { kind: 'ok' }>) => {
  const { kind } = outcome
  if (kind === 'not-started') {
    const message = 'the run was stopped before its turn'
    return { kind, code: undefined, message, detail: undefined, exitCode: undefined, signal: undefined }
  }
  const { exitCode, signal } = kind === 'failed' ? outcome : {}
  const { code, message, detail } = outcome.error
  return { kind, code, message, detail, exitCode, signal }
}
