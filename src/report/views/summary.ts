/** The short activity report at the end of a run, for people, on standard error. */
import { styleText } from 'node:util'
import { formatDuration } from '../../base/duration.ts'
import { harmlessMessage } from '../../base/printable.ts'
import { formatTargets } from '../../inventory/format-targets.ts'
import type { Target } from '../../inventory/target.ts'
import { OUTCOME_KINDS, type OutcomeKind } from '../../run/outcome.ts'
import type { View } from '../report.ts'
import type { Sink } from '../sink.ts'
import type { FailureGroup, Report, Result } from '../tally.ts'
import { details } from '../text/details.ts'

export interface SummaryOptions {
  /** With the times and the ways that led to it for each target, and all details. */
  readonly verbose: boolean
  /** Nothing at all when every target is ok; else the counts and what went wrong. */
  readonly quiet: boolean
}

/** Counts, what went wrong on which targets, the details of the others, and which were slow. */
export const summary = (stderr: Sink, options: SummaryOptions): View => ({
  event() {},
  async end(report) {
    const lines = summaryLines(report, { ...options, colour: stderr.colour })
    if (lines.length > 0) await stderr.write(`${lines.join('\n')}\n`)
    await stderr.flush()
  },
})

/** The lines of the summary, without line feeds. Pure. */
export const summaryLines = (report: Report, options: SummaryOptions & { readonly colour: boolean }): string[] => {
  const paint = (kind: OutcomeKind, text: string) => (options.colour ? coloured(kind, text) : text)
  const wrong = report.failures.map(
    group => `${paint(group.kind, group.kind)}: ${formatTargets(group.targets)}: ${reason(group, options.verbose)}`,
  )
  if (options.quiet) return wrong.length === 0 ? [] : [counts(report, paint), ...wrong]
  return [
    ...(options.verbose ? table(report.results) : []),
    counts(report, paint),
    ...wrong,
    ...detailLines(report, options.verbose).map(text => `${paint('ok', 'ok')}: ${text}`),
    ...repeated(report.results),
    ...slowest(report),
  ]
}

type Paint = (kind: OutcomeKind, text: string) => string

const coloured: Paint = (kind, text) =>
  styleText(kind === 'ok' ? 'green' : kind === 'failed' ? 'red' : 'yellow', text, { validateStream: false })

const counts = ({ total, counts, changed, wall }: Report, paint: Paint): string => {
  const parts = OUTCOME_KINDS.filter(kind => counts[kind] > 0).map(kind => {
    const some = kind === 'ok' && changed > 0 && changed < counts.ok ? ` (${changed} changed)` : ''
    return paint(kind, `${counts[kind]} ${kind}`) + some
  })
  return `${total} ${total === 1 ? 'target' : 'targets'}: ${parts.join(', ') || 'nothing to do'} in ${formatDuration(wall)}`
}

/** The message, with the exit code or signal where it does not name it, and what differs from target to target. */
const reason = ({ message, details, exitCode, signal }: FailureGroup, all: boolean): string => {
  const text = harmlessMessage(message)
  const aside = details.slice(0, all ? details.length : 3).map(harmlessMessage)
  if (aside.length < details.length) aside.push('...')
  const namesCode = exitCode === undefined || new RegExp(`\\bexit[^\\d]*\\b${exitCode}\\b`).test(text)
  if (!namesCode) aside.push(`exit code ${exitCode}`)
  if (signal !== undefined && !text.includes(signal)) aside.push(`signal ${harmlessMessage(signal)}`)
  return aside.length === 0 ? text : `${text} (${aside.join(', ')})`
}

const MAX_DETAILS = 10

const detailLines = ({ results }: Report, all: boolean): string[] => {
  const lines = details(results).map(({ text, targets }) => `${formatTargets(targets)}: ${text}`)
  if (all || lines.length <= MAX_DETAILS) return lines
  return [...lines.slice(0, MAX_DETAILS), `${lines.length - MAX_DETAILS} more lines (-v shows them)`]
}

/** Targets to which different words of what was typed have led. */
const repeated = (results: readonly Result[]): string[] => {
  const targets = results
    .map(({ target }) => target)
    .filter(({ via }) => new Set(via.map(({ path }) => path[0])).size > 1)
  return targets.length === 0 ? [] : [`named more than once, acted on once: ${formatTargets(targets)}`]
}

// Worth a line only when someone had to wait, and for more than she can see at a glance.
const slowest = ({ slowest, total }: Report): string[] => {
  if (total < 5 || (slowest[0]?.timing.total ?? 0) < 1000) return []
  const slow = slowest.slice(0, 3).map(({ target, timing }) => `${target.name} ${formatDuration(timing.total)}`)
  return [`slowest: ${slow.join(', ')}`]
}

const COLUMNS = ['target', 'outcome', 'connect', 'auth', 'command', 'total', 'via'] as const

const table = (results: readonly Result[]): string[] => {
  const rows: (readonly string[])[] = [COLUMNS]
  for (const { target, outcome, timing } of results) {
    const times = [timing.connect, timing.auth, timing.command, timing.total]
    rows.push([
      target.name,
      outcome.kind,
      ...times.map(time => (time === undefined ? '-' : formatDuration(time))),
      ways(target),
    ])
  }
  const widths = COLUMNS.map((_, column) => rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0))
  return rows.map(row =>
    row
      .map((cell, column) =>
        column >= 2 && column <= 5 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

const ways = ({ via }: Target): string =>
  via.map(({ path, warehouse }) => harmlessMessage(`${path.join(' > ')} (${warehouse})`)).join(', ')
