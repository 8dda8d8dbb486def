/** Keeps the journal small: old runs go, and the oldest when all of them together are too large. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runFile } from './paths.ts'
import { runIds } from './reader.ts'
import { NEW } from './writer.ts'

export interface Keep {
  /** Milliseconds. */
  readonly age: number
  readonly runs: number
  /** Bytes. */
  readonly size: number
}

export const USUAL: Keep = { age: 90 * 24 * 3_600_000, runs: 1000, size: 1024 * 1024 * 1024 }

const UNBEGUN_MS = 60_000

/** When it was written last; one which is gone already is as new as can be. */
const changed = async (file: string): Promise<number> =>
  (await stat(file).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY

/** Removes what is too much. The newest run always stays. */
export const prune = async (folder: string, now: number, { age, runs, size }: Keep = USUAL): Promise<void> => {
  // Of those who were killed before they had begun, or had no room for it.
  for (const name of await readdir(folder).catch(() => [])) // whoever reads the runs says what is wrong
    if (name.endsWith(NEW) && now - (await changed(join(folder, name))) > UNBEGUN_MS)
      await rm(join(folder, name), { force: true })
  let total = 0
  for (const [i, id] of (await runIds(folder)).entries()) {
    const file = runFile(folder, id) ?? ''
    const found = await stat(file).catch(() => undefined) // another one removed it
    if (!found) continue
    total += found.size
    if (i > 0 && (i >= runs || now - found.mtimeMs > age || total > size)) await rm(file, { force: true })
  }
}
