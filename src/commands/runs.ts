/** `stoker runs`: what was run, and what became of it. */

import { StokerError } from '../base/errors.ts'
import { harmlessMessage } from '../base/printable.ts'
import type { Target } from '../inventory/target.ts'
import { journalFolder } from '../journal/paths.ts'
import { type RunRecord, readRun, runIds } from '../journal/reader.ts'
import { fold } from '../nodeset/fold.ts'
import { report, type View } from '../report/report.ts'
import { type Sinks, standardSinks } from '../report/sink.ts'
import { folded } from '../report/views/folded.ts'
import { json } from '../report/views/json.ts'
import { lines } from '../report/views/lines.ts'
import { resources } from '../report/views/resources.ts'
import { summary } from '../report/views/summary.ts'
import type { RunEvent } from '../run/event.ts'
import { OUTCOME_KINDS, type OutcomeKind } from '../run/outcome.ts'
import { onInterrupt } from './push/interrupt.ts'

/** The newest runs, one a line. */
export const listRuns = async (flags: { readonly limit: number; readonly json: boolean }): Promise<number> => {
  using interrupt = onInterrupt(
    () => 'reading',
    () => {},
  )
  const folder = journalFolder(process.env)
  const { stdout } = standardSinks()
  for (const id of (await runIds(folder)).slice(0, flags.limit)) {
    const run = await readRun(folder, id, interrupt).catch(thrown => {
      // One which is damaged, or was removed meanwhile, does not hide the others.
      if (thrown instanceof StokerError) return undefined
      throw thrown
    })
    await stdout.write(run ? (flags.json ? `${JSON.stringify(plain(run))}\n` : line(run)) : `${id}  cannot be read\n`)
  }
  await stdout.flush()
  return 0
}

/** A run once more: its output and its report, of all targets or of one. */
export const showRun = async (
  id: string,
  node: string | undefined,
  flags: { readonly fold: boolean; readonly json: boolean },
): Promise<number> => {
  using interrupt = onInterrupt(
    () => 'reading',
    () => {},
  )
  const folder = journalFolder(process.env)
  const { head } = await readRun(folder, id, interrupt)
  const wanted = node === undefined ? head.targets : head.targets.filter(target => target.names.includes(node))
  if (wanted.length === 0) throw new StokerError('UNKNOWN_NAME', node ?? id, `run ${id} had no target ${node}`)
  const sinks = standardSinks()
  if (!flags.json) await sinks.stderr.write(`${id}: ${titleOf({ head })}\n`)
  const clock = { now: head.at }
  const now = () => clock.now
  const names = new Set(wanted.map(({ name }) => name))
  await report(replay(folder, id, names, clock, interrupt), viewsOf(flags, sinks, now), { now })
  return 0
}

/** Shows the time as it was then. */
interface Clock {
  now: number
}

/** The events of a run, with the clock as it was; targets whose end is not in the journal get one which says so. */
async function* replay(
  folder: string,
  id: string,
  wanted: ReadonlySet<string>,
  clock: Clock,
  io: { readonly signal: AbortSignal },
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

const viewsOf = (
  flags: { readonly fold: boolean; readonly json: boolean },
  sinks: Sinks,
  now: () => number,
): readonly View[] => {
  if (flags.json) return [json(sinks.stdout, { now })]
  return [
    flags.fold ? folded(sinks.stdout) : lines(sinks, { label: true }),
    resources(sinks, { apply: true, verbose: false, quiet: true }),
    summary(sinks.stderr, { verbose: false, quiet: false }),
  ]
}

const titleOf = ({ head }: Pick<RunRecord, 'head'>): string => {
  const names = fold(head.targets.map(({ name }) => name)) || 'nothing'
  return `${head.command} on ${names}: ${head.words.join(' ')}`
}

const countsOf = ({ endings }: RunRecord): ReadonlyMap<OutcomeKind, number> => {
  const counts = Map.groupBy(endings.values(), ({ kind }) => kind)
  return new Map(OUTCOME_KINDS.flatMap(kind => (counts.has(kind) ? [[kind, counts.get(kind)?.length ?? 0]] : [])))
}

const endOf = ({ ended, goesOnIn }: RunRecord): string =>
  ended ? '' : goesOnIn === undefined ? ', has no end' : `, goes on in process ${goesOnIn}`

const line = (run: RunRecord): string => {
  const counts = [...countsOf(run)].map(([kind, n]) => `${n} ${kind}`).join(', ')
  const again = run.head.again === undefined ? '' : ` of ${run.head.again}`
  const title = harmlessMessage(titleOf(run))
  const short = title.length > 100 ? `${title.slice(0, 99)}…` : title
  return `${run.head.id}  ${counts || 'no targets'}${endOf(run)}: ${short}${again && ` (again${again})`}\n`
}

const plain = (run: RunRecord) => ({
  ...{ id: run.head.id, at: new Date(run.head.at).toISOString(), command: run.head.command, words: run.head.words },
  ...{ expression: run.head.expression, again: run.head.again, counts: Object.fromEntries(countsOf(run)) },
  ...(run.goesOnIn !== undefined && { process: run.goesOnIn }),
  ...(run.ended && { ended: new Date(run.ended.at).toISOString(), exitCode: run.ended.exitCode }),
  nodes: Object.fromEntries([...run.endings].map(([target, { kind }]) => [target.name, kind])),
})
