/** Each node's output in a file which has its name alone, one folder for each stream: clush's `--outdir` and `--errdir`. */
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import type { Output } from '../../connection/connection.ts'
import type { Target } from '../../inventory/target.ts'
import type { View } from '../report.ts'
import { type LineBatch, lineBatch } from '../text/line-batch.ts'
import { fileName } from '../views/outdir.ts'

/** A folder for each stream which is wanted. */
export type NodeFolders = Partial<Record<Output['stream'], string>>

const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW

/**
 * Makes the folders if need be, and an empty file for every node, for its owner alone; each line ends with a line feed. Throws
 * `USAGE` when they cannot be used.
 */
export const nodeFiles = async (folders: NodeFolders, targets: readonly Target[]): Promise<View> => {
  const lines = new Map<string, LineBatch>()
  const pathOf = (target: Target, stream: Output['stream']): string | undefined => {
    const folder = folders[stream]
    return folder === undefined ? undefined : join(folder, fileName(target.name))
  }
  const write = async (path: string, flags: number, data: Uint8Array): Promise<void> => {
    // Opened for each piece: a thousand targets would be two thousand open files.
    await using handle = await open(path, flags, 0o600)
    await handle.writeFile(data)
  }
  const append = async (path: string, data: Uint8Array): Promise<void> => {
    if (data.length === 0) return
    await write(path, APPEND, data).catch(cause => {
      throw new StokerError('INTERNAL', path, `cannot write ${path}: ${(cause as Error).message}`, { cause })
    })
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const folder = folders[stream]
    if (folder === undefined) continue
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const target of targets) await write(pathOf(target, stream) ?? '', FRESH, new Uint8Array())
    } catch (cause) {
      throw new StokerError('USAGE', folder, `cannot write output to ${folder}: ${(cause as Error).message}`, { cause })
    }
  }
  return {
    async event(event) {
      if (event.kind === 'output') {
        const { stream, data } = event.output
        const path = pathOf(event.target, stream)
        if (path === undefined) return
        const batch = lines.get(path) ?? lineBatch({ label: '', harmless: false })
        lines.set(path, batch)
        await append(path, batch.push(data))
      } else if (event.kind === 'finished') {
        for (const stream of ['stdout', 'stderr'] as const) {
          const path = pathOf(event.target, stream)
          if (path !== undefined) await append(path, lines.get(path)?.end() ?? new Uint8Array())
        }
      }
    },
    end() {},
  }
}
