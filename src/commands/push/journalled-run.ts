/** A run's place in the journal: what `run` and `apply` have in common. */

import { VERSION } from '../../base/version.ts'
import type { Target } from '../../inventory/target.ts'
import { thisAuthor } from '../../journal/author.ts'
import type { RunHead } from '../../journal/entries.ts'
import { journalFolder, newRunId } from '../../journal/paths.ts'
import { prune } from '../../journal/prune.ts'
import { type JournalWriter, openJournal } from '../../journal/writer.ts'

/** A run which is run again on some of its targets. */
export interface Again {
  readonly id: string
  readonly targets: readonly Target[]
}

export interface KeptRun extends JournalWriter {
  readonly id: string
}

/** Begins the journal of a run. Disposing it, as a report does with its views, removes old runs. */
export const keepRun = (
  what: Pick<RunHead, 'command' | 'words' | 'expression' | 'flags' | 'input' | 'targets'> & {
    readonly again?: Again | undefined
  },
  say: (notice: string) => void,
): KeptRun => {
  const now = new Date()
  const folder = journalFolder(process.env)
  const id = newRunId(now)
  const { again, ...rest } = what
  const head: RunHead = {
    ...{ id, version: VERSION, at: now.getTime(), folder: process.cwd(), author: thisAuthor(), ...rest },
    ...(again && { again: again.id }),
  }
  return {
    ...openJournal(folder, head, say),
    id,
    // What cannot be removed now is removed by a later run.
    [Symbol.asyncDispose]: () => prune(folder, Date.now()).catch(() => {}),
  }
}

/** Of the options those which another run needs as well; a view is chosen anew each time, and secrets are asked for again. */
export const lasting = (flags: object, names: readonly string[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(flags).filter(([name, value]) => names.includes(name) && value !== undefined))
