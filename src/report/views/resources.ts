/** What became of a policy's resources, for people: equal results of many targets once, and counts for each target. */
import { styleText } from 'node:util'
import { harmlessLines, harmlessMessage } from '../../base/printable.ts'
import type { Target } from '../../inventory/target.ts'
import { fold } from '../../nodeset/fold.ts'
import { RESOURCE_STATES, type ResourceResult, type ResourceState } from '../../run/event.ts'
import type { View } from '../report.ts'
import { type ResourceCounts, resourceCounter } from '../resource-counter.ts'
import type { Sink, Sinks } from '../sink.ts'

export interface ResourcesOptions {
  /** `false`: nothing was changed, and it says what would be. */
  readonly apply: boolean
  /** Also what was skipped because its `when` does not hold. */
  readonly verbose: boolean
  /** Without the counts. */
  readonly quiet: boolean
}

/** Targets on which a resource came to the same. */
interface Group {
  readonly result: ResourceResult
  readonly targets: Target[]
}

/** At the end of the run: the results on standard output, in the order of the policy; the counts on standard error. */
export const resources = ({ stdout, stderr }: Pick<Sinks, 'stdout' | 'stderr'>, options: ResourcesOptions): View => {
  const groups = new Map<number, Map<string, Group>>()
  const counter = resourceCounter()
  const counts = new Map<string, Target[]>()

  const add = (target: Target, result: ResourceResult): void => {
    counter.add(target, result.state)
    if (result.state === 'ok' || (!options.verbose && isByCondition(result))) return
    const same = groups.get(result.place) ?? new Map<string, Group>()
    groups.set(result.place, same)
    const { resource, state, changes, detail, error } = result
    const key = JSON.stringify([resource, state, changes, detail, error?.message])
    const group = same.get(key)
    if (group) group.targets.push(target)
    else same.set(key, { result, targets: [target] })
  }

  return {
    event(event) {
      if (event.kind === 'resource') add(event.target, event.result)
      if (event.kind !== 'finished') return
      const mine = counter.take(event.target)
      if (!mine) return
      const text = countsText(mine, options)
      counts.set(text, [...(counts.get(text) ?? []), event.target])
    },
    async end() {
      for (const [, same] of [...groups].sort(([a], [b]) => a - b))
        for (const group of [...same.values()].sort((a, b) => b.targets.length - a.targets.length))
          await stdout.write(groupText(group, options, stdout))
      await stdout.flush()
      if (options.quiet) return
      const lines = [...counts].sort(([, a], [, b]) => b.length - a.length)
      for (const [text, targets] of lines) await stderr.write(`${names(targets)}: ${text}\n`)
    },
  }
}

/** Known by its detail alone; see `skipped` of a policy's application. */
const isByCondition = ({ state, detail }: ResourceResult): boolean =>
  state === 'skipped' && detail?.startsWith('when: ') === true

const names = (targets: readonly Target[]): string => fold(targets.map(({ name }) => name))

const countsText = (counts: ResourceCounts, { apply }: ResourcesOptions): string =>
  RESOURCE_STATES.filter(state => counts[state] > 0)
    .map(state => `${counts[state]} ${!apply && state === 'changed' ? 'to change' : state}`)
    .join(', ')

const groupText = ({ result, targets }: Group, { apply }: ResourcesOptions, sink: Sink): string => {
  const { resource, state, changes, detail, error } = result
  const verb = state === 'changed' && !apply ? 'would change' : state
  const name = harmlessMessage(resource)
  const message = error && harmlessMessage(error.message)
  const why =
    state === 'failed' ? message?.replace(`${name}: `, '') : (detail ?? changes.map(({ what }) => what).join('; '))
  const line = `${names(targets)}: ${paint(sink, state, verb)} ${name}${why ? `: ${harmlessMessage(why)}` : ''}\n`
  // What was done before it failed counts as well.
  const done =
    state === 'failed' ? changes.map(({ what }) => `    done before: ${harmlessMessage(what)}\n`).join('') : ''
  const diffs = changes.map(({ diff = '' }) => (sink.isTerminal ? harmlessLines(diff) : diff)).join('')
  return line + done + diffs
}

const COLOURS = { ok: 'green', changed: 'yellow', failed: 'red', skipped: 'cyan' } as const

const paint = ({ colour }: Sink, state: ResourceState, text: string): string =>
  colour ? styleText(COLOURS[state], text, { validateStream: false }) : text
