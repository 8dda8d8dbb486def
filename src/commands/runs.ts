/** `stoker runs`: what was run, and what became of it. */

import { StokerError } from '../base/errors.ts'
import { harmlessMessage } from '../base/printable.ts'
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
import { countsOf, earlierRuns, replay } from './earlier-runs.ts'
import { onInterrupt } from './push/interrupt.ts'

/** The newest runs, one a line. */
export const listRuns = async (flags: { readonly last: number; readonly json?: boolean }): Promise<number> => {
  using interrupt = onInterrupt(
    () => 'reading',
    () => {},
  )
  const folder = journalFolder(process.env)
  const { stdout } = standardSinks()
  for await (const { id, record } of earlierRuns(folder, flags.last, interrupt)) {
    if (!record) await stdout.write(`${id}  cannot be read\n`)
    else await stdout.write(flags.json ? `${JSON.stringify(plain(record))}\n` : line(record))
  }
  await stdout.flush()
  return 0
}

/** A run once more, by default the newest: its output and its report, of all targets or of one. */
export const showRun = async (
  given: string | undefined,
  node: string | undefined,
  flags: { readonly fold?: boolean; readonly json?: boolean },
): Promise<number> => {
  using interrupt = onInterrupt(
    () => 'reading',
    () => {},
  )
  const folder = journalFolder(process.env)
  const id = given ?? (await runIds(folder))[0]
  if (id === undefined) throw new StokerError('USAGE', 'runs', 'there is no earlier run')
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

const viewsOf = (
  flags: { readonly fold?: boolean; readonly json?: boolean },
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
