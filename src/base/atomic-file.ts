/**
 * Files which others see as they were or as they shall be, and never in between: written beside, put on disk, renamed. This
 * holds for those who read meanwhile, for kill -9 and, unless `sync` is off, for a loss of power.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type FileHandle, link, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fateOf, processId } from './process-identity.ts'

export interface Commit {
  /** Whether a loss of power is to be thought of; `true` unless given. */
  readonly sync?: boolean
  /** Throws `EEXIST` when there is such a file already, instead of replacing it. */
  readonly exclusive?: boolean
}

export interface Attributes {
  /** 0600 unless given; the umask takes nothing away from another one. */
  readonly mode?: number
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** Mode and owner of the file which is replaced count for more, where there is one. */
  readonly keep?: boolean
}

/**
 * Puts the content in the file's place, all of it or nothing. A link is replaced, not followed; the folder has to be there.
 * Throws what the file system throws, and leaves nothing behind then.
 */
export const writeAtomic = async (
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, owner, keep = false, ...commit }: Attributes & Commit = {},
): Promise<void> => {
  await using file = await AtomicFile.open(path)
  await file.handle.writeFile(content)
  const before = keep ? await stat(path).catch(() => undefined) : undefined // there is none, or it will be told in a moment
  const { uid, gid } = before ?? owner ?? {}
  // The owner first: changing it takes the set-user-ID bit away.
  if (uid !== undefined && gid !== undefined) await file.handle.chown(uid, gid)
  const wanted = (before?.mode ?? mode) & 0o7777
  if (wanted !== 0o600) await file.handle.chmod(wanted)
  await file.commit(commit)
}

/**
 * The same before this returns, with mode 0600, without `sync`, and without a look for what others left: for those who may not
 * do anything else meanwhile.
 */
export const writeAtomicSync = (path: string, content: string | Uint8Array): void => {
  const beside = besidePath(path)
  try {
    const file = openSync(beside, 'wx', 0o600)
    try {
      writeFileSync(file, content)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (thrown) {
    rmSync(beside, { force: true })
    throw thrown
  }
}

/** A file on its way to its path: whoever wants to write it piece by piece, or to have it looked at before it counts. */
export class AtomicFile implements AsyncDisposable {
  /** Where it is to be. */
  readonly target: string
  /** Where it lies until then: in the same folder, under a hidden name. */
  readonly path: string
  readonly handle: FileHandle
  #isGone = false

  private constructor(target: string, path: string, handle: FileHandle) {
    this.target = target
    this.path = path
    this.handle = handle
  }

  /** Begins it, with mode 0600. `from`: a file of the same folder which is its beginning, and is moved. */
  static async open(target: string, from?: string): Promise<AtomicFile> {
    await sweepOnce(dirname(target))
    const path = besidePath(target)
    if (from === undefined) return new AtomicFile(target, path, await open(path, 'wx', 0o600))
    // Not a link which leads elsewhere, and nothing new.
    const handle = await open(from, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW)
    await rename(from, path).catch(async thrown => {
      await handle.close()
      throw thrown
    })
    return new AtomicFile(target, path, handle)
  }

  /** Puts it in its place. With `sync`, it is there for good when this returns. */
  async commit({ sync = true, exclusive = false }: Commit = {}): Promise<void> {
    if (sync) await this.handle.sync()
    await this.handle.close()
    if (exclusive) await link(this.path, this.target)
    else await rename(this.path, this.target)
    this.#isGone = !exclusive
    if (sync) await syncFolder(dirname(this.target))
  }

  /** Puts it aside under another name of the same folder, for a later `from`. */
  async keepAs(path: string): Promise<void> {
    await this.handle.close()
    await rename(this.path, path)
    this.#isGone = true
  }

  /** Removes what was not put in its place. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close()
    if (!this.#isGone) await rm(this.path, { force: true })
  }
}

/** After this, renames in the folder outlive a loss of power, where the file system can promise that. */
export const syncFolder = async (folder: string): Promise<void> => {
  try {
    await using handle = await open(folder)
    await handle.sync()
  } catch (thrown) {
    // A folder which may be written and not be read, or a file system (CIFS, FUSE) which knows no such thing.
    if (!['EACCES', 'EINVAL', 'ENOTSUP', 'ENOSYS'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown
  }
}

/** A new name for a file which does not count yet, in the folder of the one it is for. Unlike others it starts with a dot. */
export const besidePath = (path: string): string => {
  const name = basename(path)
  // A name has room for 255 bytes, and the file's own may take all of them.
  const start = Buffer.byteLength(name) > 160 ? name.slice(0, 40) : name
  return join(dirname(path), `.${start}.stoker-${processId()}-${randomBytes(4).toString('hex')}`)
}

/** Whether a name in a folder is one of those: for whoever lists what is there. */
export const isBeside = (name: string): boolean => BESIDE.test(name)

/** `removeLeftovers`, when this process has not done it in the folder before. Whoever writes here has it done by itself. */
export const sweepOnce = async (folder: string): Promise<void> => {
  if (swept.has(folder)) return
  swept.add(folder)
  await removeLeftovers(folder)
}

const swept = new Set<string>()

/** Removes what killed processes left in the folder. */
export const removeLeftovers = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch(() => []) // who writes there is told what is wrong with it
  for (const path of leftoversAmong(folder, names)) await rm(path, { force: true }).catch(() => {}) // not ours to remove
}

const BESIDE = /^\..*\.stoker-(\d+-\d*-[0-9a-f]{8})-[0-9a-f]{8}$/s

/** A process which cannot be asked about has given up a file which it has not written for so long; milliseconds. */
const ABANDONED_MS = 3_600_000

const leftoversAmong = (folder: string, names: readonly string[]): readonly string[] =>
  names.flatMap(name => {
    const [, id] = BESIDE.exec(name) ?? []
    if (id === undefined) return []
    const path = join(folder, name)
    const fate = fateOf(id)
    return fate === 'ended' || (fate === 'elsewhere' && isAbandoned(path)) ? [path] : []
  })

const isAbandoned = (path: string): boolean => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS
}
