/** Which views a run of clush(1) has, as its flags say. */
import type { Target } from '../../../inventory/target.ts'
import type { View } from '../../report.ts'
import type { Sinks } from '../../sink.ts'
import { lines } from '../../views/lines.ts'
import { overSsh } from '../over-ssh.ts'
import { exitsAtEnd, exitsAtOnce } from './exits.ts'
import { type ClushFormat, lineLabel } from './format.ts'
import { gathered } from './gathered.ts'
import { live } from './live.ts'

export interface ClushShape {
  /** `-b`; `-B` and `--diff` mean it as well. */
  readonly gather: boolean
  /** `-B`: standard error belongs to the output. */
  readonly stderr: boolean
  /** `-L`. */
  readonly byLine: boolean
  /** `--diff`. */
  readonly diff: boolean
}

/** One view of all; `more` are those which see the same events, such as files of output. */
export const clushViews = (
  sinks: Sinks,
  shape: ClushShape,
  format: ClushFormat,
  targets: readonly Target[],
  more: readonly View[],
): View => overSsh([...streams(sinks, shape, format, targets), ...more], { lineEnds: 'lf' })

const streams = (
  sinks: Sinks,
  { gather, stderr, byLine, diff }: ClushShape,
  format: ClushFormat,
  targets: readonly Target[],
): readonly View[] => {
  const all = lines(stderr ? { stdout: sinks.stdout, stderr: sinks.stdout } : sinks, {
    label: (target, stream) => lineLabel(target.name, stderr ? 'stdout' : stream, format),
  })
  if (!gather && !byLine) return [all, exitsAtOnce(sinks.stderr, format)]
  const exits = exitsAtEnd(sinks.stderr, format)
  // What is gathered is not shown as it comes, unless more is wished for; what goes wrong is.
  const atOnce = format.verbosity === 2 ? all : stderr ? undefined : only('stderr', all)
  const shown = gather && byLine ? live(sinks.stdout, { targets, stderr }, format) : undefined
  const shape = !gather ? 'lines' : diff ? 'differences' : 'blocks'
  return [...(atOnce ? [atOnce] : []), shown ?? gathered(sinks.stdout, { shape, stderr, targets }, format), exits]
}

/** The view of one stream. */
const only = (stream: 'stdout' | 'stderr', view: View): View => ({
  ...view,
  event: event => (event.kind === 'output' && event.output.stream !== stream ? undefined : view.event(event)),
})
