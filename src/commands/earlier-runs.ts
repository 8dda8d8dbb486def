/** Earlier runs as data: for `stoker runs`, and whoever else shows them. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Target } from '../inventory/target.ts'
import { type RunRecord, readRun, runIds } from '../journal/reader.ts'
import type { RunEvent } from '../run/event.ts'
import { OUTCOME_KINDS, type OutcomeKind } from '../run/outcome.ts'

/** One run of the journal; without `record` it cannot be read, because it is damaged or was removed meanwhile. */
export interface EarlierRun {
  readonly id: string
  readonly record: RunRecord | undefined
}

/** The newest runs first, so many at most. */
export async function* earlierRuns(
  folder: string,
  limit: number,
  io: Abortable,
): AsyncGenerator<EarlierRun, void, void> {
  for (const id of (await runIds(folder)).slice(0, limit)) {
    const record = await readRun(folder, id, io).catch(thrown => {
      if (thrown instanceof StokerError) return undefined
      throw thrown
    })
    yield { id, record }
  }
}

/** How many targets ended how, in the order of reports; kinds of which there are none are left out. */
export const countsOf = ({ endings }: RunRecord): ReadonlyMap<OutcomeKind, number> => {
  const counts = Map.groupBy(endings.values(), ({ kind }) => kind)
  return new Map(OUTCOME_KINDS.flatMap(kind => (counts.has(kind) ? [[kind, counts.get(kind)?.length ?? 0]] : [])))
}

/** The time as it was then. */
export interface Clock {
  now: number
}

/** The events of a run, with the clock as it was; targets whose end is not in the journal get one which says so. */
export async function* replay(
  folder: string,
  id: string,
  wanted: ReadonlySet<string>,
  clock: Clock,
  io: Abortable,
): AsyncGenerator<RunEvent, void, void> {
  // Everything of one run is on disk already, and has a limit for each target.
  const events: (readonly [RunEvent, number])[] = []
  const over = new Set<Target>()
  const { endings, ended } = await readRun(folder, id, io, (event, began) => {
    if (event.kind === 'finished') over.add(event.target)
    const at = began + (event.kind === 'finished' ? event.timing.total : 0)
    if (wanted.has(event.target.name)) events.push([event, at])
  })
  for (const [event, at] of events) {
    clock.now = Math.max(clock.now, at)
    yield event
  }
  for (const [target, outcome] of endings)
    if (!over.has(target) && wanted.has(target.name)) yield { kind: 'finished', target, outcome, timing: { total: 0 } }
  clock.now = ended?.at ?? clock.now
}
