/**
 * A run which goes on in steps: how many targets at a time, after how many failures no more are started, and how often
 * one which was not reached is tried again. Pure but for what it tells.
 */
import { type BackOff, backOff } from '../base/retry.ts'
import { formatTargets } from '../inventory/format-targets.ts'
import type { Target } from '../inventory/target.ts'
import { type Amount, amountOf } from './amount.ts'
import type { Outcome } from './outcome.ts'

/** What `run` and `apply` have on the command line. */
export interface RollingFlags {
  /** Sizes of batches, one after the other; the last one repeats. */
  readonly serial?: readonly Amount[]
  /** How many targets may go wrong before no more are started. */
  readonly maxFail?: Amount
  /** How often an unreachable target is tried again. */
  readonly retry?: number
}

/** How a run goes on from target to target; the scheduler asks. */
export interface Rolling {
  /** The targets in their order, cut into batches; a batch begins when the one before has ended. */
  readonly batches: readonly (readonly Target[])[]
  /** Called before a batch; not when nothing of it will be started. */
  begin(batch: number): void
  /** Called for each outcome. */
  ended(outcome: Outcome): void
  /** Whether no more targets are to be started. */
  readonly stopped: boolean
  /** Milliseconds to wait before this target is tried again, after so many tries (from 1); `undefined`: that was it. */
  again(outcome: Outcome, tries: number): number | undefined
}

const BACK_OFF: BackOff = { first: 1000, most: 30_000 }

/** Sizes of batches which add up to `total`; each has at least one target. */
export const batchSizes = (serial: readonly Amount[], total: number): readonly number[] => {
  const sizes: number[] = []
  for (let left = total; left > 0; ) {
    const amount = serial[Math.min(sizes.length, serial.length - 1)]
    const size = amount ? Math.min(left, Math.max(1, amountOf(amount, total))) : left
    sizes.push(size)
    left -= size
  }
  return sizes
}

/**
 * How this run is to go on. `say` is told each batch of several, and why nothing more is started. In a run of several
 * batches without a limit on failures, a batch in which all went wrong is the last: that is what a first small one is for.
 */
export const rolling = (
  { serial = [], maxFail, retry = 0 }: RollingFlags,
  targets: readonly Target[],
  say: (notice: string) => void,
): Rolling => {
  const sizes = batchSizes(serial, targets.length)
  const starts = sizes.map((_, batch) => sizes.slice(0, batch).reduce((sum, size) => sum + size, 0))
  const batches = starts.map((start, batch) => targets.slice(start, start + (sizes[batch] ?? 0)))
  const most = maxFail && amountOf(maxFail, targets.length)
  let wrong = 0
  let current = { size: 0, wrong: 0 }
  let isStopped = false
  const stop = (why: string) => {
    if (!isStopped) say(`${why}: no more targets are started`)
    isStopped = true
  }
  return {
    batches,
    begin(batch) {
      const members = batches[batch] ?? []
      current = { size: members.length, wrong: 0 }
      if (batches.length > 1) say(`batch ${batch + 1} of ${batches.length}: ${formatTargets(members)}`)
    },
    ended({ kind }) {
      if (kind !== 'failed' && kind !== 'unreachable' && kind !== 'timed-out') return
      wrong += 1
      current.wrong += 1
      if (most !== undefined && wrong > most) stop(`${wrong} went wrong, and ${told(maxFail, most)} may`)
      else if (most === undefined && batches.length > 1 && current.wrong === current.size)
        stop('all of this batch went wrong (--max-fail N lets more go wrong)')
    },
    get stopped() {
      return isStopped
    },
    again: (outcome, tries) =>
      tries <= retry && !isStopped && mayHelp(outcome) ? backOff(tries, BACK_OFF) : undefined,
  }
}

const told = (maxFail: Amount | undefined, most: number): string =>
  maxFail?.kind === 'share' ? `${most} (${maxFail.percent}%)` : `${most}`

/** Only what was never begun is repeated by itself, and a refused key or login is refused the next time too. */
const mayHelp = (outcome: Outcome): boolean => outcome.kind === 'unreachable' && outcome.error.code === 'CONNECT_FAILED'
