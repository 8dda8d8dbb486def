/** A run's place in the journal: what `run` and `apply` have in common. */

import { VERSION } from '../../base/version.ts'
import type { Target } from '../../inventory/target.ts'
import { currentAuthor } from '../../journal/author.ts'
import type { RunHead } from '../../journal/entries.ts'
import { journalFolder, newRunId } from '../../journal/paths.ts'
import { prune } from '../../journal/prune.ts'
import { type JournalWriter, openJournal } from '../../journal/writer.ts'

/** An earlier run, and those of its targets which it is run on again. */
export interface RerunOf {
  readonly id: string
  readonly targets: readonly Target[]
  /** When it was, in milliseconds since 1970. */
  readonly at: number
  /** Whether it had an input, which has to be piped in again. */
  readonly hadInput: boolean
}

export interface KeptRun extends JournalWriter {
  readonly id: string
}

/** Begins the journal of a run. Disposing it, as a report does with its views, removes old runs. */
export const keepRun = (
  what: Pick<RunHead, 'command' | 'words' | 'expression' | 'flags' | 'input' | 'targets' | 'environment'> & {
    readonly rerunOf?: RerunOf | undefined
  },
  notify: (notice: string) => void,
): KeptRun => {
  const now = new Date()
  const folder = journalFolder(process.env)
  const id = newRunId(now)
  const { rerunOf, ...rest } = what
  const head: RunHead = {
    ...{ id, version: VERSION, at: now.getTime(), folder: process.cwd(), author: currentAuthor(), ...rest },
    ...(rerunOf && { again: rerunOf.id }),
  }
  return {
    ...openJournal(folder, head, notify),
    id,
    // What cannot be removed now is removed by a later run.
    [Symbol.asyncDispose]: () => prune(folder, Date.now()).catch(() => {}),
  }
}
