/** Differences of texts, line by line, for people to read. Pure; the one place which knows the library. */
import { diffLines, FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff'

/** What is worth reading; what is beyond is counted, not shown. */
const MAX_LINES = 5000
const MAX_CHARACTERS = 500_000
/** Lines removed and added until two texts count as too different: beyond it the search would take seconds. */
const MAX_EDITS = 4000
const CONTEXT = 3

/**
 * How one text became the other, as `diff -u` tells it, ending with a line feed; `undefined` is a file which is not there. Equal
 * texts give an empty one. Very long differences are cut, with a last line which says so. The texts stand in it as they
 * are: whoever shows it on a terminal makes them harmless.
 */
export const unifiedDiff = (path: string, before: string | undefined, after: string | undefined): string => {
  if (before === after) return ''
  const [from, to] = [before === undefined ? '/dev/null' : path, after === undefined ? '/dev/null' : path]
  const header = `--- ${from}\n+++ ${to}\n`
  if (`${before}${after}`.includes('\0')) return `${header}@@ not text: ${sizes(before, after, bytesOf)} @@\n`
  if (!before || !after) return cut(`${header}${whole(before ?? '', after ?? '')}`)
  const patch = structuredPatch(from, to, before, after, '', '', { context: CONTEXT, maxEditLength: MAX_EDITS })
  if (!patch) return `${header}@@ too different to show: ${sizes(before, after, linesOf)} @@\n`
  return cut(formatPatch(patch, FILE_HEADERS_ONLY).replace(/^.*\n.*\n/, header))
}

/** The numbers (from 1) of those lines of `text` which `without` does not have; `undefined` when they have little in common. */
export const linesGone = (text: string, without: string): readonly number[] | undefined => {
  const parts = diffLines(text, without, { maxEditLength: MAX_EDITS })
  if (!parts) return undefined
  const gone: number[] = []
  let line = 1
  for (const { added, removed, count } of parts) {
    if (removed) for (let i = 0; i < count; i++) gone.push(line + i)
    if (!added) line += count
  }
  return gone
}

/** A text which appears or goes as a whole. */
const whole = (before: string, after: string): string => {
  const text = before || after
  const lines = text.replace(/\n$/, '').split('\n')
  const range = `1,${lines.length}`
  if (text === '') return ''
  const end = text.endsWith('\n') ? '' : '\\ No newline at end of file\n'
  const [at, sign] = after === '' ? [`-${range} +0,0`, '-'] : [`-0,0 +${range}`, '+']
  return `@@ ${at} @@\n${lines.map(line => `${sign}${line}\n`).join('')}${end}`
}

const cut = (text: string): string => {
  const lines = text.split('\n')
  let size = 0
  const end = lines.findIndex((line, i) => {
    size += line.length + 1
    return i >= MAX_LINES || size > MAX_CHARACTERS
  })
  // The last part is what stands behind the last line feed: nothing.
  if (end === -1 || end >= lines.length - 1) return text
  return `${lines.slice(0, end).join('\n')}\n@@ and ${lines.length - 1 - end} lines more @@\n`
}

const sizes = (before = '', after = '', count: (text: string) => string): string =>
  `${count(before)} -> ${count(after)}`

const bytesOf = (text: string): string => `${Buffer.byteLength(text)} bytes`
const linesOf = (text: string): string => `${text.split('\n').length - 1} lines`
