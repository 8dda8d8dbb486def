/** The daemons' own opinion of new files, before any of them is put in place. */
import { basename } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { harmlessLines } from '../../base/printable.ts'
import type { Candidate } from './candidate.ts'
import { type CommandResult, runCommand } from './run-command.ts'

/** Checks at a time: a zone's takes milliseconds, and there may be hundreds. */
const AT_A_TIME = 4

/**
 * Has every candidate checked by its daemon. Throws `RENDER_FAILED` for the first in their order which is refused: the
 * checker's words, each place it names with the line of the output and of the template which made it.
 */
export const validate = async (candidates: readonly Candidate[], io: Abortable): Promise<void> => {
  const checks = candidates.filter(({ of }) => of.file.check !== undefined)
  const refused = new Map<Candidate, StokerError>()
  const queue = checks.values()
  const work = async () => {
    for (const candidate of queue) {
      const error = await checked(candidate, io)
      if (error) refused.set(candidate, error)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  const first = checks.find(one => refused.has(one))
  const error = first && refused.get(first)
  if (error) throw error
}

const checked = async ({ of: { file }, path }: Candidate, io: Abortable): Promise<StokerError | undefined> => {
  const words = file.check?.(path) ?? []
  const program = basename(words[0] ?? '')
  const failed = (what: string, cause?: unknown) =>
    new StokerError('RENDER_FAILED', file.path, `${file.path}: not put in place: ${what}`, { cause })
  let result: CommandResult
  try {
    result = await runCommand(words, io)
  } catch (cause) {
    if (io.signal.aborted) return failed(`${program} was not done with checking it within the time limit`, cause)
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not installed' : (cause as Error).message
    return failed(`${program} cannot check it: ${reason}`, cause)
  }
  if (result.code === 0) return undefined
  const ending = result.code === undefined ? 'died while checking it' : 'refuses it'
  return failed(
    `${program} ${ending}: ${explainRefusal(result.output, file, path) || `exit code ${result.code}, without a word`}`,
  )
}

const MAX_LINES = 20
const MAX_LENGTH = 200

/** The checker's words, with the file's own name in them and, below each line that names a place, what stands there. */
export const explainRefusal = (
  output: string,
  { path, content, template }: Candidate['of']['file'],
  candidate: string,
): string => {
  const messages = harmlessLines(output).split('\n')
  const lines = content.toString().split('\n')
  const numbers = messages.map(line => lineNumberIn(line, candidate))
  const first = numbers.findIndex(number => number !== undefined)
  // With a place named, what stands before it is a greeting, and what follows an empty line a farewell.
  const from = Math.max(0, first)
  const end = messages.findIndex((line, i) => first !== -1 && i > from && line.trim() === '')
  const shown = messages.slice(from, end === -1 ? undefined : end)
  const shownLines = new Set<number>()
  const text = shown.slice(-MAX_LINES).flatMap((line, i) => {
    const words = line.replaceAll(candidate, path).trimEnd()
    const at = numbers[from + Math.max(0, shown.length - MAX_LINES) + i]
    if (at === undefined || shownLines.has(at) || lines[at - 1] === undefined) return words === '' ? [] : [words]
    shownLines.add(at)
    const source = template?.lineOf(at)
    const made = source === undefined ? '' : `, made by ${template?.name}:${source}`
    return [words, `  line ${at}${made}: ${harmlessLines((lines[at - 1] ?? '').trim().slice(0, MAX_LENGTH))}`]
  })
  return text.length === 1 ? (text[0] ?? '') : text.map(line => `\n  ${line}`).join('')
}

/** The line of the file which the checker's line is about: `FILE line 12:`, `FILE:12:`, `line 12 of FILE`. */
const lineNumberIn = (line: string, candidate: string): number | undefined => {
  const at = line.indexOf(candidate)
  if (at === -1) return undefined
  const [, after] = /^[:,]?\s*(?:line\s+)?(\d+)/.exec(line.slice(at + candidate.length)) ?? []
  const [, before] = /line (\d+)\D*$/.exec(line.slice(0, at)) ?? []
  const number = after ?? before
  return number === undefined ? undefined : Number(number)
}
