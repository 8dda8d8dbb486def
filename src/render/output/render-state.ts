/** What a render remembers between two runs, as small files in its folder. Written while its lock is held. */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeAtomic } from '../../base/atomic-file.ts'
import { StokerError } from '../../base/errors.ts'
import type { Action, LastGood } from './result.ts'

/** Whatever cannot be read as what it should be counts as not there: all of it can be found out anew. */
export interface RenderState {
  readonly folder: string
  lastGood(): Promise<LastGood | undefined>
  keepLastGood(last: LastGood): Promise<void>
  /** The reload or restart which the service still has to get. It outlives a crash between the swap and the reload. */
  pendingReload(): Promise<PendingReload | undefined>
  /** Adds one; a restart stands for a reload as well. On disk when this returns. */
  recordReload(action: Action): Promise<void>
  /** Clears it, unless another has been recorded since it was read. Without an argument: clears it in any case. */
  clearReload(pendingReload?: PendingReload): Promise<void>
}

export interface PendingReload {
  readonly action: Action
  /** Differs each time one is recorded. */
  readonly id: string
}

/** Does no I/O before it is asked. */
export const renderState = (folder: string): RenderState => {
  const at = (name: string) => join(folder, name)
  const pendingReload = async (): Promise<PendingReload | undefined> => {
    const { action, id } = await readJson(at('pending-reload.json'))
    return (action === 'reload' || action === 'restart') && typeof id === 'string' ? { action, id } : undefined
  }
  return {
    folder,
    async lastGood() {
      const { at: time, hosts, networks, files } = await readJson(at('last-good.json'))
      const fits =
        [time, hosts, networks].every(Number.isFinite) &&
        Array.isArray(files) &&
        files.every(file => typeof file === 'string')
      return fits ? ({ at: time, hosts, networks, files } as LastGood) : undefined
    },
    keepLastGood: last => write(at('last-good.json'), `${JSON.stringify(last)}\n`),
    pendingReload: pendingReload,
    async recordReload(action) {
      const before = await pendingReload()
      const id = `${Date.now()}-${process.pid}-${performance.now()}`
      const both = before?.action === 'restart' ? 'restart' : action
      await write(at('pending-reload.json'), `${JSON.stringify({ action: both, id })}\n`)
    },
    async clearReload(done) {
      if (done && (await pendingReload())?.id !== done.id) return
      await rm(at('pending-reload.json'), { force: true })
    },
  }
}

const write = (path: string, text: string): Promise<void> =>
  withStateErrors(dirname(path), async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeAtomic(path, text)
  })

/** Work on what is to be remembered; throws `RENDER_FAILED` naming the folder where the system does not let us. */
export const withStateErrors = async <T>(folder: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof StokerError || !(cause instanceof Error && 'code' in cause)) throw cause
    const what = 'what has to be remembered cannot be kept there'
    throw new StokerError('RENDER_FAILED', folder, `${folder}: ${what}: ${cause.message}`, { cause })
  }
}

/** The mapping in the file; an empty one where there is none that can be read. */
export const readJson = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch (thrown) {
    // Not there, or cut off by a loss of power. What cannot be read for other reasons is worth knowing.
    if (thrown instanceof SyntaxError || (thrown as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw thrown
  }
}
