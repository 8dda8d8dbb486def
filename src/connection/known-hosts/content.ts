/** What is in a known_hosts file, and whether somebody else has changed it since. */
import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Abortable } from '../../base/abortable.ts'
import { isAbsent, reason } from '../../base/errors.ts'
import { type HostLine, parseHostLine } from './lines.ts'

/** What was last seen in a file, and what we have added since. */
export interface Content {
  /** Differs when somebody else has changed the file. */
  stamp: string
  readonly lines: HostLine[]
  /** How many lines there are, and whether the last one has its newline. */
  count: number
  ended: boolean
}

/** Reads a file; an absent one is empty. What cannot be read or understood becomes a warning and is left out. */
export const load = async (file: string, warn: (text: string) => void, { signal }: Abortable): Promise<Content> => {
  try {
    // In this order, a change between the two is seen as one later on.
    const stamp = stampOf(await stat(file))
    // In bytes, as ssh reads it: nobody says which encoding it has.
    const text = await readFile(file, { encoding: 'latin1', signal })
    const rows = text.split('\n')
    const parsed = rows.map((row, index) => parseHostLine(row, file, index + 1))
    const broken = parsed.flatMap((line, index) => (line === 'broken' ? [index + 1] : []))
    if (broken.length > 0)
      warn(`${file}: ${brokenLines(broken)} cannot be understood and ${broken.length === 1 ? 'is' : 'are'} left out`)
    const lines = parsed.filter(line => line !== undefined && line !== 'broken')
    return {
      stamp,
      lines,
      count: rows.length - (rows.at(-1) === '' ? 1 : 0),
      ended: text === '' || text.endsWith('\n'),
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!isAbsent(error)) warn(`${file} cannot be read and is left out: ${reason(error)}`)
    return { stamp: UNSEEN, lines: [], count: 0, ended: true }
  }
}

const brokenLines = (numbers: readonly number[]): string => {
  const listed = numbers.slice(0, 5).join(', ') + (numbers.length > 5 ? ` and ${numbers.length - 5} more` : '')
  return numbers.length === 1 ? `line ${listed} is broken: it` : `lines ${listed} are broken: they`
}

/** The stamp of a file which has to be read again. */
export const UNSEEN = ''

/** `UNSEEN` where there is no file. */
export const stampOf = (found: Stats | undefined): string =>
  found === undefined ? UNSEEN : `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}`
