/** Keeps the journal small: old runs go, and the oldest when all of them together are too large. */
import { rm, stat } from 'node:fs/promises'
import { removeLeftovers } from '../base/atomic-file.ts'
import { runFile } from './paths.ts'
import { runIds } from './reader.ts'

export interface Retention {
  /** Milliseconds. */
  readonly age: number
  readonly runs: number
  /** Bytes. */
  readonly size: number
}

export const DEFAULT_RETENTION: Retention = { age: 90 * 24 * 3_600_000, runs: 1000, size: 1024 * 1024 * 1024 }

/** Removes what is too much. The newest run always stays. */
export const prune = async (
  folder: string,
  now: number,
  { age, runs, size }: Retention = DEFAULT_RETENTION,
): Promise<void> => {
  await removeLeftovers(folder)
  let total = 0
  for (const [i, id] of (await runIds(folder)).entries()) {
    const file = runFile(folder, id) ?? ''
    const found = await stat(file).catch(() => undefined) // another one removed it
    if (!found) continue
    total += found.size
    if (i > 0 && (i >= runs || now - found.mtimeMs > age || total > size)) await rm(file, { force: true })
  }
}
