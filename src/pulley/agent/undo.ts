/** What files held before a new bundle changed them, for the case that it costs the contact to the server. */
import { chmod, chown, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import * as z from 'zod'
import type { Change } from '../../convergent.ts'
import type { Folder } from './folder.ts'

const index = z.array(
  z.strictObject({
    path: z.string(),
    /** Absent: there was no such file. */
    before: z.strictObject({ data: z.string(), mode: z.int(), uid: z.int(), gid: z.int() }).optional(),
  }),
)
type Kept = z.output<typeof index>[number]

const FOLDER = 'undo'
const INDEX = `${FOLDER}/index.json`
/** Larger files are no configuration by which contact is lost; bytes. */
const MOST = 16 * 1024 * 1024

export class Undo {
  readonly #folder: Folder

  constructor(folder: Folder) {
    this.#folder = folder
  }

  /** Keeps what the files hold which these changes write, once for each. */
  async keep(changes: readonly Change[]): Promise<void> {
    const kept = await this.#read()
    const paths = pathsOf(changes).filter(path => !kept.some(one => one.path === path))
    if (paths.length === 0) return
    const added = await Promise.all(paths.map((path, i) => this.#copy(path, `${FOLDER}/${kept.length + i}`)))
    await this.#folder.write(INDEX, [...kept, ...added.filter(one => one !== undefined)])
  }

  /** Puts the files back, but for those. Returns the paths of the ones which were put back. */
  async putBack(except: ReadonlySet<string>): Promise<readonly string[]> {
    const kept = (await this.#read()).filter(({ path }) => !except.has(path)).reverse()
    for (const { path, before } of kept) {
      if (!before) {
        await rm(path, { force: true })
        continue
      }
      const data = await this.#folder.bytes(before.data)
      if (!data) continue
      const beside = `${path}.stoker-undo`
      await writeFile(beside, data, { mode: before.mode, flush: true })
      await chown(beside, before.uid, before.gid)
      await chmod(beside, before.mode)
      await rename(beside, path)
    }
    await this.forget()
    return kept.map(({ path }) => path)
  }

  forget(): Promise<void> {
    return this.#folder.remove(FOLDER)
  }

  async #read(): Promise<readonly Kept[]> {
    return (await this.#folder.read(INDEX, index)) ?? []
  }

  async #copy(path: string, data: string): Promise<Kept | undefined> {
    try {
      const { mode, uid, gid, size } = await stat(path)
      if (size > MOST) return undefined
      await this.#folder.writeBytes(data, await readFile(path))
      return { path, before: { data, mode: mode & 0o7777, uid, gid } }
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return { path }
      return undefined // what cannot be read cannot be put back; the change itself will tell why
    }
  }
}

/** The paths which the changes write. */
export const pathsOf = (changes: readonly Change[]): readonly string[] =>
  changes.flatMap(({ steps }) => steps.flatMap(step => (step.kind === 'write' ? [step.path] : [])))
