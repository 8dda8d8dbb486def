/** `stoker run`: an action on its targets: parse, resolve, dedup, and push. */
import { sourcesIn } from '../../converge/materials.ts'
import { streamViews, type ViewFlags } from '../../report/views/views.ts'
import { keptFlags } from './kept-flags.ts'
import { type PushFlags, push } from './push.ts'
import { type TargetFlags, targetsOf } from './targets.ts'

/** What is to be done, as it was typed. */
export interface RunRequest {
  readonly action: string
  readonly targets: string
  /** What stands after `--`. */
  readonly words: readonly string[]
}

/** The options of `stoker run`; what is absent comes from the configuration. Times are in milliseconds. */
export interface RunFlags extends TargetFlags, PushFlags, ViewFlags {
  /** `false` for `-n`. */
  readonly stdin: boolean
}

/** Runs the action on the targets and returns the exit code; throws a `StokerError` when the run cannot start. */
export const run = ({ action: name, targets: expression, words }: RunRequest, flags: RunFlags): Promise<number> =>
  push(flags, async (site, notify, io) => {
    const { actor, options } = await site.action(name, words)
    const targets = flags.rerunOf?.targets ?? (await targetsOf(expression, flags, site.warehouses, notify, io))
    const sources = sourcesIn({ files: process.cwd(), templates: process.cwd(), confined: false })
    // Outputs are compared where the actor has no texts to change.
    const compare = flags.compare === true || (flags.diff === true && !actor.convergent)
    return {
      title: ['run', name, ...words].join(' '),
      ...{ targets, actor, options },
      lock: { action: name, expression },
      materials: (target, reach, io) => {
        const facts = async () => (await import('../../converge/facts.ts')).gatherFacts(await reach(), io)
        return sources.materials(target, { facts }, io)
      },
      takesInput: flags.stdin,
      kept: { command: 'run', words: [name, ...words], expression, flags: keptFlags('run', flags) },
      views: sinks => streamViews({ ...flags, compare }, sinks),
    }
  })
