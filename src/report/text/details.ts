/** The details of `ok` targets, in few lines: equal details once, measurements as one range. Pure. */

import { harmlessMessage } from '../../base/printable.ts'
import type { Target } from '../../inventory/target.ts'
import type { Result } from '../tally.ts'
import { maskOwnNames } from './mask.ts'

/** One line about some of the targets. */
export interface Detail {
  readonly text: string
  readonly targets: readonly Target[]
}

interface Group {
  readonly targets: Target[]
  readonly texts: Set<string>
  readonly values: number[]
  decimals: number
}

const MEASURE = /(?<![\p{L}\p{N}.])\d+(?:\.(\d+))?(?= ?(?:ns|µs|us|ms|s|min|h|%|[kKMGT]?i?B)(?![\p{L}\p{N}]))/gu

/**
 * Details which differ in one measured number only are one: `round-trip 0.3/0.5/1.2 ms (min/avg/max)`. The largest group
 * comes first.
 */
export const details = (results: readonly Result[]): Detail[] => {
  const groups = new Map<string, Group>()
  for (const { target, outcome } of results) {
    if (outcome.kind !== 'ok' || outcome.detail === undefined) continue
    const text = maskOwnNames(harmlessMessage(outcome.detail), target)
    const found = [...text.matchAll(MEASURE)]
    const [measure] = found.length === 1 ? found : []
    const pattern = measure === undefined ? text : text.replace(MEASURE, '\0')
    const group = groups.get(pattern) ?? { targets: [], texts: new Set(), values: [], decimals: 0 }
    groups.set(pattern, group)
    group.targets.push(target)
    group.texts.add(text)
    if (measure === undefined) continue
    group.values.push(Number(measure[0]))
    group.decimals = Math.max(group.decimals, measure[1]?.length ?? 0)
  }
  return [...groups]
    .map(([pattern, group]) => ({ text: textOf(pattern, group), targets: group.targets }))
    .sort((a, b) => b.targets.length - a.targets.length)
}

const textOf = (pattern: string, { texts, values, decimals }: Group): string => {
  const [text = ''] = texts
  if (texts.size === 1) return text
  let [min, max, sum] = [Infinity, -Infinity, 0]
  for (const value of values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
    sum += value
  }
  const range = [min, sum / values.length, max].map(value => value.toFixed(decimals)).join('/')
  return `${pattern.replace('\0', range)} (min/avg/max)`
}
