/** The lines typed into earlier shells: one file which only its owner reads. */
import { closeSync, fchmodSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeAtomicSync } from '../base/atomic-file.ts'
import { isAbsent } from '../base/errors.ts'
import { isKept } from './parse-line.ts'

export interface History {
  /** The newest first. */
  readonly lines: readonly string[]
  /** Keeps a line, unless it begins with a space; on disk when this returns. */
  add(line: string): void
}

/** Lines which are offered; the file is cut back to them when it has twice as many. */
export const MAX_LINES = 1000

/** Reads the file. What cannot be read or written is reported once; the shell goes on without. */
export const openHistory = (path: string, warn: (warn: string) => void): History => {
  let isBroken = false
  const attempt = <T>(work: () => T, otherwise: T): T => {
    if (isBroken) return otherwise
    try {
      return work()
    } catch (thrown) {
      isBroken = true
      warn(`what is typed here is not kept: ${(thrown as Error).message}`)
      return otherwise
    }
  }
  return {
    lines: attempt(() => read(path), []).reverse(),
    add(line) {
      if (isKept(line)) attempt(() => append(path, line), undefined)
    },
  }
}

const read = (path: string): string[] => {
  const lines = textOf(path)
    .split('\n')
    .filter(line => line !== '')
  const newest = lines.slice(-MAX_LINES)
  if (lines.length > 2 * MAX_LINES) writeAtomicSync(path, newest.map(line => `${line}\n`).join(''))
  return newest
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    if (isAbsent(thrown)) return ''
    throw thrown
  }
}

const append = (path: string, line: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = openSync(path, 'a', 0o600)
  try {
    fchmodSync(file, 0o600) // it may have been made by somebody else's hand
    writeSync(file, `${line}\n`)
  } finally {
    closeSync(file)
  }
}
