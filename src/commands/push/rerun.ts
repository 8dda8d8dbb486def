/** `stoker rerun`: an earlier run again, on exactly those of its targets which are asked for. */
import { resolve } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import type { RunHead } from '../../journal/entries.ts'
import { journalFolder } from '../../journal/paths.ts'
import { fold } from '../../nodeset/fold.ts'
import { apply } from './apply.ts'
import { keptFlags } from './kept-flags.ts'
import { checkNeeds } from './needs.ts'
import { chooseRun, type RerunFlags } from './rerun-choice.ts'
import { type RunFlags, run } from './run.ts'

/** Runs it again; `views` are the options of the new run which decide how it is shown. Returns its exit code. */
export const rerun = async (id: string | undefined, which: RerunFlags, views: Partial<RunFlags>): Promise<number> => {
  const io = { signal: AbortSignal.timeout(60_000) }
  const { record, targets, isSearched } = await chooseRun(journalFolder(process.env), id, which, io)
  const { head, hadInput } = record
  const notify = (text: string) => void process.stderr.write(`stoker: ${text}\n`)
  if (targets.length === 0) {
    notify(`run ${head.id} has no targets of this kind${isSearched ? ', nor has one before it' : ''}; nothing is run`)
    return 0
  }
  notify(`run ${head.id} again: ${head.command} ${head.words.join(' ')} on ${fold(targets.map(({ name }) => name))}`)
  const given = fromHere(views)
  // Files and configuration are found from where they were found then.
  enter(head)
  const common = { ...plain(head), ...keptFlags('shell', head.flags), ...given }
  await checkNeeds(head, common, notify)
  const rerunOf = { id: head.id, at: head.at, hadInput, targets }
  if (head.command === 'apply') {
    const limit = targets.map(({ name }) => name).join(',')
    const [policy = ''] = head.words
    const request = { policy, targets: head.expression === '' ? undefined : head.expression }
    return await apply(request, { ...common, ...keptFlags('apply', head.flags), ...given, limit, rerunOf })
  }
  const [action = '', ...words] = head.words
  const request = { action, words, targets: head.expression }
  return await run(request, { ...common, ...keptFlags('run', head.flags), ...given, rerunOf })
}

/** What counts where neither the run nor this command line says otherwise. */
const plain = ({ environment }: RunHead) => {
  const config = process.env.STOKER_CONFIG ? undefined : environment?.STOKER_CONFIG
  return { identity: [], exclude: [], stdin: true, label: true, ...(config !== undefined && { config }) }
}

const enter = ({ id, folder }: RunHead): void => {
  try {
    process.chdir(folder)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is gone' : (cause as Error).message
    throw new StokerError(
      'USAGE',
      folder,
      `run ${id} was started in ${folder}, where its files are found from; ${why}: make it again, or start a new run`,
      { cause },
    )
  }
}

/** The options which were given now, with paths which stay the same in another folder. Those which were not leave the old ones. */
const fromHere = ({ config, identity = [], becomePasswordFile, ...views }: Partial<RunFlags>): Partial<RunFlags> => ({
  ...views,
  ...(config !== undefined && { config: resolve(config) }),
  ...(becomePasswordFile !== undefined && { becomePasswordFile: resolve(becomePasswordFile) }),
  ...(identity.length > 0 && { identity: identity.map(file => resolve(file)) }),
})
