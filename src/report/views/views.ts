/** Which views a run of an action has, as its options say. */
import type { Target } from '../../inventory/target.ts'
import type { View } from '../report.ts'
import { openFileSink, type Sinks } from '../sink.ts'
import { folded } from './folded.ts'
import { json } from './json.ts'
import { lines } from './lines.ts'
import { outdir } from './outdir.ts'
import { summary } from './summary.ts'

export interface ViewFlags {
  /** `-b`; `mask` and `compare` mean it as well. */
  readonly fold?: boolean
  /** With the folded view: also each line as it comes. */
  readonly live?: boolean
  readonly mask?: boolean
  readonly compare?: boolean
  /** `false` for `-N`. */
  readonly label?: boolean
  readonly json?: boolean
  /** A file for the same as `json`. */
  readonly jsonFile?: string
  /** A folder for files with each target's output. */
  readonly outdir?: string
  readonly verbose?: boolean
  readonly quiet?: boolean
}

/** The views on the program's own streams. */
export const streamViews = (flags: ViewFlags, sinks: Sinks): readonly View[] => {
  if (flags.json) return [json(sinks.stdout)]
  const [label, mask, compare] = [flags.label !== false, flags.mask === true, flags.compare === true]
  const report = summary(sinks.stderr, { verbose: flags.verbose === true, quiet: flags.quiet === true })
  if (!flags.fold && !mask && !compare) return [lines(sinks, { label }), report]
  // What is folded has standard output for itself.
  const live = flags.live ? [lines({ stdout: sinks.stderr, stderr: sinks.stderr }, { label })] : []
  return [...live, folded(sinks.stdout, { mask, compare }), report]
}

/** The views in files. Nothing may have begun yet: throws `USAGE` when one cannot be made. */
export const fileViews = async (flags: ViewFlags, targets: readonly Target[]): Promise<readonly View[]> => {
  const views: View[] = []
  if (flags.outdir !== undefined) views.push(await outdir(flags.outdir, targets))
  if (flags.jsonFile !== undefined) {
    const sink = await openFileSink(flags.jsonFile)
    views.push({ ...json(sink), [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose]() })
  }
  return views
}
