/**
 * Writes a run's journal as it happens. Every line has left the program when the call returns: after kill -9 all of it is
 * there, but for a line which was being written.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { writeAtomicSync } from '../base/atomic-file.ts'
import type { Target } from '../inventory/target.ts'
import type { View } from '../report/report.ts'
import type { RunEvent } from '../run/event.ts'
import { formatLine, type Line, type RunHead } from './entries.ts'
import { runFile } from './paths.ts'

export interface JournalWriter extends View {
  /** Before anything happens on the target. */
  begin(target: Target): void
  event(event: RunEvent): void
  /** Writes how the run ended, and closes the file. `emptyInput`: nothing came through the pipe which it had. */
  close(exitCode: number, emptyInput?: boolean): void
}

/** Bytes of output kept of one target. */
const MAX_OUTPUT = 16 * 1024 * 1024

/** Begins a journal. A disk which is full, or a folder which cannot be written, is reported once; the run goes on without. */
export const openJournal = (folder: string, head: RunHead, warn: (warn: string) => void): JournalWriter => {
  const positions = new Map(head.targets.map((target, n) => [target, n]))
  const sizes = new Map<Target, number>()
  const positionOf = (target: Target) => positions.get(target) ?? -1
  const path = runFile(folder, head.id) ?? ''
  let file = open(folder, path, formatLine({ kind: 'run', head }, positionOf), warn)

  const write = (line: Line): void => {
    if (file === undefined) return
    try {
      const bytes = Buffer.from(formatLine(line, positionOf))
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    } catch (thrown) {
      warn(`the journal of this run ends here: ${(thrown as Error).message}`)
      end()
    }
  }
  const end = (): void => {
    if (file !== undefined) closeSync(file)
    file = undefined
  }
  const output = (event: Extract<RunEvent, { readonly kind: 'output' }>): void => {
    const { target } = event
    const size = sizes.get(target) ?? 0
    if (size > MAX_OUTPUT) return
    const total = size + event.output.data.length
    sizes.set(target, total)
    write(total > MAX_OUTPUT ? { kind: 'truncated', n: positionOf(target) } : { kind: 'event', event })
  }

  return {
    begin: target => write({ kind: 'began', n: positionOf(target), at: Date.now() }),
    event(event) {
      if (event.kind === 'output') output(event)
      else write({ kind: 'event', event })
    },
    end() {},
    close(exitCode, emptyInput = false) {
      write({ kind: 'ended', at: Date.now(), exitCode, ...(emptyInput && { emptyInput }) })
      if (file === undefined) return
      try {
        fsyncSync(file)
      } catch (thrown) {
        warn(`the journal of this run may not be on disk: ${(thrown as Error).message}`)
      }
      end()
    },
  }
}

/** A journal is never seen without its head. */
const open = (folder: string, path: string, head: string, warn: (warn: string) => void): number | undefined => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeAtomicSync(path, head)
    return openSync(path, 'a')
  } catch (thrown) {
    warn(`this run is not kept: ${(thrown as Error).message}`)
    return undefined
  }
}
