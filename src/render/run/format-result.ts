/** Results of renders as people and programs read them. Pure. */

import { harmlessMessage } from '../../base/printable.ts'
import { quote } from '../../base/quote.ts'
import { age } from '../../inventory/cache/age.ts'
import type { Problem } from '../data/problem.ts'
import type { LiveFiles, ReloadStatus, RenderResult, Size } from '../output/result.ts'

/** Lines for standard output and for standard error, each with its line feed. */
export interface ResultText {
  readonly out: string
  readonly err: string
}

/** More than anybody reads; `--json` has them all. */
const MAX_PROBLEMS = 20

/** `now`: milliseconds since 1970, for the age of what stays. */
export const formatResult = (result: RenderResult, now: number): ResultText => {
  const { name, problems } = result
  const out: string[] = []
  const err = problemLines(problems.filter(({ verdict }) => result.kind !== 'refused' || verdict !== 'error'))
  switch (result.kind) {
    case 'same':
      out.push(['nothing to do', ...sizeText(result.size)].join(': '))
      break
    case 'written':
    case 'would-change': {
      const done = (change: string) =>
        `${result.kind === 'written' ? '' : 'would be '}${change === 'new' ? 'created' : 'written'}`
      for (const { path, change } of result.files) if (change !== 'same') out.push(`${path}: ${done(change)}`)
      out.push(...sizeText(result.size))
      break
    }
    case 'kept':
    case 'refused':
      err.push(...formatKept(result.error.message, result.last, now))
      break
    default:
      throw new Error(`unknown result: ${result satisfies never}`)
  }
  if (result.kind === 'would-change' && result.action !== 'none') out.push(`the service would ${result.action}`)
  if (result.kind === 'same' || result.kind === 'written') {
    const { reload } = result
    const line = reloadLine(reload)
    if (line !== undefined) (reload.kind === 'failed' ? err : out).push(line)
  }
  return {
    out: out.map(line => `${name}: ${line}\n`).join(''),
    err: err.map(line => `stoker: ${name}: ${line}\n`).join(''),
  }
}

/** In one line where that can be done: it is what a log is searched for. */
const formatKept = (why: string, last: LiveFiles | undefined, now: number): readonly string[] => {
  const what = last
    ? `the live files stay, as of ${age(now - last.at)} ago`
    : 'there are no live files which the service could start with'
  const reason = harmlessParagraph(why)
  return reason.includes('\n') ? [reason, what] : [`${reason}; ${what}`]
}

const problemLines = (problems: readonly Problem[]): string[] => {
  const lines = problems.slice(0, MAX_PROBLEMS).map(({ message }) => message)
  return problems.length > lines.length
    ? [...lines, `and ${problems.length - lines.length} more (--json has all)`]
    : lines
}

const reloadLine = (reload: ReloadStatus): string | undefined => {
  switch (reload.kind) {
    case 'none':
      return undefined
    case 'done':
      return `${reload.action}: ${reload.output === '' ? 'done' : reload.output}`
    case 'pending':
      return `${reload.action} is pending; the next render does it`
    case 'failed':
      return `${reload.action} failed, and the next render tries again: ${reload.error.message}`
    default:
      throw new Error(`unknown status: ${reload satisfies never}`)
  }
}

const sizeText = (size: Size | undefined): readonly string[] =>
  size ? [`${counted(size.hosts, 'host')}, ${counted(size.networks, 'network')}`] : []

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** One object on one line. */
export const formatResultJson = (result: RenderResult, exit: number): string => {
  const { kind, name, problems } = result
  const common = { kind, render: name, exit, problems }
  if (kind !== 'kept' && kind !== 'refused') {
    const { size, files } = result
    const service = kind === 'would-change' ? { action: result.action } : { reload: reloadJson(result.reload) }
    return `${JSON.stringify({ ...common, ...size, files, ...service })}\n`
  }
  const { error, last } = result
  const reason = kind === 'kept' ? { reason: result.reason } : {}
  const since = last ? new Date(last.at).toISOString() : null
  return `${JSON.stringify({ ...common, ...reason, error: { code: error.code, message: error.message }, since })}\n`
}

const reloadJson = (reload: ReloadStatus): object => {
  if (reload.kind === 'none') return reload
  const { kind, action, words } = reload
  const error = reload.kind === 'failed' ? { error: reload.error.message } : {}
  return { kind, action, command: formatCommand(words), ...error }
}

/** A command line for people; a script inside it is no reading for them. */
export const formatCommand = (words: readonly string[]): string =>
  words.map(word => (word.includes('\n') ? '...' : quote(word))).join(' ')

/** A sentence which may have several lines, as one for a terminal; the line feeds between stay. */
export const harmlessParagraph = (text: string): string => text.split('\n').map(keepIndent).join('\n')

const keepIndent = (line: string): string => (/^ */.exec(line)?.[0] ?? '') + harmlessMessage(line)
