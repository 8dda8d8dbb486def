/** What files held, and how the network was, before a new bundle changed them, for the case that it costs the contact to the server. */
import { readFile, rm, stat } from 'node:fs/promises'
import * as z from 'zod'
import { writeAtomic } from '../../../base/atomic-file.ts'
import type { Change } from '../../../converge/convergent.ts'
import type { Folder } from '../state/folder.ts'
import { networkState, readNetworkState, restoreNetwork } from './network-state.ts'

const index = z.array(
  z.strictObject({
    path: z.string(),
    /** Absent: there was no such file. */
    before: z.strictObject({ data: z.string(), mode: z.int(), uid: z.int(), gid: z.int() }).optional(),
    /** Ids of the resources which a change of it notifies. */
    notifies: z.array(z.string()),
  }),
)
type SavedFile = z.output<typeof index>[number]

const FOLDER = 'undo'
const INDEX = `${FOLDER}/index.json`
const NETWORK = `${FOLDER}/network.json`
const network = z.strictObject({ before: networkState, after: networkState })
/** Larger files are no configuration by which contact is lost; bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

export class Undo {
  readonly #folder: Folder

  constructor(folder: Folder) {
    this.#folder = folder
  }

  /** Keeps what the files hold which these changes write, once for each. */
  async saveFiles(changes: readonly Change[], notifies: readonly string[]): Promise<void> {
    const kept = await this.#read()
    const paths = pathsOf(changes).filter(path => !kept.some(one => one.path === path))
    if (paths.length === 0) return
    const added = await Promise.all(
      paths.map(async (path, i) => {
        const before = await this.#copy(path, `${FOLDER}/${kept.length + i}`)
        return before && { ...before, notifies: [...notifies] }
      }),
    )
    await this.#folder.write(INDEX, [...kept, ...added.filter(one => one !== undefined)])
  }

  /** The network as it is before the bundle is applied for the first time. */
  async saveNetwork(): Promise<void> {
    if (await this.#folder.read(NETWORK, network)) return
    const before = await readNetworkState()
    await this.#folder.write(NETWORK, { before, after: before })
  }

  /** The network as it is after the bundle was applied. */
  async recordNetworkAfter(): Promise<void> {
    const kept = await this.#folder.read(NETWORK, network)
    if (kept) await this.#folder.write(NETWORK, { ...kept, after: await readNetworkState() })
  }

  /** Makes of the network what it was, where the bundle had changed it. Returns the parts. */
  async restoreNetwork(): Promise<readonly string[]> {
    const kept = await this.#folder.read(NETWORK, network)
    return kept ? await restoreNetwork(kept.before, kept.after) : []
  }

  /** Puts the files back, but for those. Returns the paths of the ones which were put back, and whom that notifies. */
  async restoreFiles(
    except: ReadonlySet<string>,
  ): Promise<{ readonly paths: readonly string[]; readonly notified: readonly string[] }> {
    const kept = (await this.#read()).filter(({ path }) => !except.has(path)).reverse()
    for (const { path, before } of kept) {
      if (!before) {
        await rm(path, { force: true })
        continue
      }
      const data = await this.#folder.bytes(before.data)
      if (!data) continue
      await writeAtomic(path, data, { mode: before.mode, owner: before })
    }
    return { paths: kept.map(({ path }) => path), notified: [...new Set(kept.flatMap(one => one.notifies))] }
  }

  clear(): Promise<void> {
    return this.#folder.remove(FOLDER)
  }

  async #read(): Promise<readonly SavedFile[]> {
    return (await this.#folder.read(INDEX, index)) ?? []
  }

  async #copy(path: string, data: string): Promise<Omit<SavedFile, 'notifies'> | undefined> {
    try {
      const { mode, uid, gid, size } = await stat(path)
      if (size > MAX_FILE_BYTES) return undefined
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
