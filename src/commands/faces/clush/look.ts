/** How output looks, as the flags and the settings of `stoker clush` have it. */
import type { Evaluator } from '../../../nodeset/evaluate.ts'
import type { ClushFormat } from '../../../report/faces/clush/format.ts'
import type { ClushShape } from '../../../report/faces/clush/views.ts'
import { useColour } from './colour.ts'
import { regrouped } from './nodes.ts'
import type { ClushOptions, ClushSettings } from './options.ts'

export const formatOf = (options: ClushOptions, settings: ClushSettings, ask: Evaluator): ClushFormat => ({
  verbosity: settings.verbosity,
  label: options.label,
  colour: useColour(options, settings, process.env),
  counts: settings.counts,
  worst: settings.worst,
  ...(options.regroup && { regroup: regrouped(ask, options) }),
})

export const shapeOf = ({ gather, gatherAll, byLine, diff }: ClushOptions): ClushShape => ({
  gather: gather || gatherAll || diff,
  stderr: gatherAll,
  ...{ byLine, diff },
})
