/** Which earlier run is repeated, and on which of its targets. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Target } from '../../inventory/target.ts'
import { type RunRecord, readRun, runIds } from '../../journal/reader.ts'
import type { OutcomeKind } from '../../run/outcome.ts'
import { earlierRuns } from '../earlier-runs.ts'

/** Which targets; none of them: all which are not ok. */
export interface RerunFlags {
  readonly failed?: boolean
  readonly unreachable?: boolean
  readonly notStarted?: boolean
  readonly timedOut?: boolean
  readonly unknown?: boolean
  readonly changed?: boolean
  readonly all?: boolean
}

export interface RerunChoice {
  readonly record: RunRecord
  /** Perhaps none. */
  readonly targets: readonly Target[]
  /** Whether earlier runs were asked as well. */
  readonly isSearched: boolean
}

/**
 * The run of the id. Without an id the newest, or where kinds are asked for the newest which has such targets: those which a
 * later run has repeated do not count. Throws `USAGE` when there is no run, `UNKNOWN_NAME` when there is none of the id,
 * `LOCKED` when it still goes on.
 */
export const chooseRun = async (
  folder: string,
  id: string | undefined,
  which: RerunFlags,
  io: Abortable,
): Promise<RerunChoice> => {
  const [newest] = await runIds(folder)
  if (id === undefined && newest === undefined) throw new StokerError('USAGE', 'rerun', 'there is no earlier run')
  const chosen = id ?? newest ?? ''
  if (id !== undefined || !isKind(which)) return await whole(folder, chosen, which, io)
  const repeated = new Map<string, Set<string>>()
  for await (const { record } of earlierRuns(folder, Number.POSITIVE_INFINITY, io)) {
    if (!record) continue
    refuseGoingOn(record)
    const { head } = record
    const since = repeated.get(head.id) ?? new Set()
    const targets = subset(record, which).filter(({ name }) => !since.has(name))
    if (targets.length > 0) return { record, targets, isSearched: true }
    if (head.again === undefined) continue
    const names = head.targets.map(({ name }) => name)
    repeated.set(head.again, new Set([...(repeated.get(head.again) ?? []), ...since, ...names]))
  }
  // None has any: said of the newest.
  return { ...(await whole(folder, chosen, which, io)), targets: [], isSearched: true }
}

const whole = async (folder: string, id: string, which: RerunFlags, io: Abortable): Promise<RerunChoice> => {
  const record = await readRun(folder, id, io)
  refuseGoingOn(record)
  return { record, targets: subset(record, which), isSearched: false }
}

const refuseGoingOn = ({ head: { id }, goesOnIn }: RunRecord): void => {
  if (goesOnIn === undefined) return
  throw new StokerError(
    'LOCKED',
    id,
    `run ${id} still goes on, in process ${goesOnIn}: wait for its end, stop it, or name another run (stoker runs lists them)`,
  )
}

/** Whether targets are asked for which not every run has. */
const isKind = ({ failed, unreachable, notStarted, timedOut, unknown, changed }: RerunFlags): boolean =>
  Boolean(failed || unreachable || notStarted || timedOut || unknown || changed)

const subset = ({ endings }: RunRecord, which: RerunFlags): readonly Target[] => {
  const kinds = new Set<OutcomeKind>([
    ...(which.failed ? (['failed'] as const) : []),
    ...(which.unreachable ? (['unreachable'] as const) : []),
    ...(which.notStarted ? (['not-started'] as const) : []),
    ...(which.timedOut ? (['timed-out'] as const) : []),
    ...(which.unknown ? (['unknown'] as const) : []),
  ])
  const nothingAsked = kinds.size === 0 && !which.changed && !which.all
  return [...endings].flatMap(([target, outcome]) => {
    const isChanged = which.changed === true && outcome.kind === 'ok' && outcome.changed
    const isWanted = which.all || kinds.has(outcome.kind) || isChanged || (nothingAsked && outcome.kind !== 'ok')
    return isWanted ? [target] : []
  })
}
