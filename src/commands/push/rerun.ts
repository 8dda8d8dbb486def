/** `stoker rerun`: an earlier run again, on exactly those of its targets which are asked for. */
import { resolve } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import type { Target } from '../../inventory/target.ts'
import { journalFolder } from '../../journal/paths.ts'
import { type RunRecord, readRun, runIds } from '../../journal/reader.ts'
import { fold } from '../../nodeset/fold.ts'
import type { OutcomeKind } from '../../run/outcome.ts'
import { apply } from './apply.ts'
import { keptFlags } from './kept-flags.ts'
import { type RunFlags, run } from './run.ts'

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

/** Runs it again; `views` are the options of the new run which decide how it is shown. Returns its exit code. */
export const rerun = async (id: string | undefined, which: RerunFlags, views: Partial<RunFlags>): Promise<number> => {
  const folder = journalFolder(process.env)
  const [newest] = await runIds(folder)
  const chosen = id ?? newest
  if (chosen === undefined) throw new StokerError('USAGE', 'rerun', 'there is no earlier run')
  const record = await readRun(folder, chosen, { signal: AbortSignal.timeout(60_000) })
  const { head } = record
  if (record.goesOnIn !== undefined) throw stillGoesOn(chosen, record.goesOnIn)
  const targets = subset(record, which)
  const notify = (text: string) => void process.stderr.write(`stoker: ${text}\n`)
  if (targets.length === 0) {
    notify(`run ${chosen} has no targets of this kind; nothing is run`)
    return 0
  }
  if (head.input && views.stdin !== true)
    notify(`run ${chosen} had something piped into it, which is not kept; pipe it in again if it is needed`)
  notify(`run ${chosen} again: ${head.command} ${head.words.join(' ')} on ${fold(targets.map(({ name }) => name))}`)
  const given = fromHere(views)
  // Files and configuration are found from where they were found then.
  process.chdir(head.folder)
  const plain = { identity: [], exclude: [], stdin: true, label: true }
  const rerunOf = { id: chosen, targets }
  if (head.command === 'apply') {
    const limit = targets.map(({ name }) => name).join(',')
    const [policy = ''] = head.words
    const request = { policy, targets: head.expression === '' ? undefined : head.expression }
    return await apply(request, { ...plain, ...keptFlags('apply', head.flags), ...given, limit, rerunOf })
  }
  const [action = '', ...words] = head.words
  const request = { action, words, targets: head.expression }
  return await run(request, { ...plain, ...keptFlags('run', head.flags), ...given, rerunOf })
}

/** The options which were given now, with paths which stay the same in another folder. Those which were not leave the old ones. */
const fromHere = ({ config, identity = [], becomePasswordFile, ...views }: Partial<RunFlags>): Partial<RunFlags> => ({
  ...views,
  ...(config !== undefined && { config: resolve(config) }),
  ...(becomePasswordFile !== undefined && { becomePasswordFile: resolve(becomePasswordFile) }),
  ...(identity.length > 0 && { identity: identity.map(file => resolve(file)) }),
})

const stillGoesOn = (id: string, pid: number): StokerError =>
  new StokerError('LOCKED', id, `run ${id} still goes on, in process ${pid}: wait for its end, or stop it`)

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
