/** Each target's output in files of its own: `NODE.out` and `NODE.err` in one folder. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import type { Output } from '../../connection/connection.ts'
import type { Target } from '../../inventory/target.ts'
import type { View } from '../report.ts'

const ENDINGS: Record<Output['stream'], string> = { stdout: 'out', stderr: 'err' }
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW

/**
 * Makes the folder if need be (0700), and removes from it what an earlier run said of these targets: a file which is there at
 * the end is of this run. A target which ran has its `.out`, also an empty one; `.err` only when there is something. Files are
 * for their owner alone. Throws `USAGE` when the folder cannot be used.
 */
export const outdir = async (folder: string, targets: readonly Target[]): Promise<View> => {
  const names = fileNames(targets)
  const path = (target: Target, stream: Output['stream']): string =>
    join(folder, `${names.get(target) ?? fileName(target.name)}.${ENDINGS[stream]}`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.W_OK | constants.X_OK)
    for (const target of targets) {
      await rm(path(target, 'stdout'), { force: true })
      await rm(path(target, 'stderr'), { force: true })
    }
  } catch (cause) {
    throw new StokerError('USAGE', folder, `cannot write output to ${folder}: ${(cause as Error).message}`, { cause })
  }
  const append = async (target: Target, { stream, data }: Output): Promise<void> => {
    const file = path(target, stream)
    try {
      // Opened for each piece: a thousand targets would be two thousand open files.
      await using handle = await open(file, APPEND, 0o600)
      await handle.writeFile(data)
    } catch (cause) {
      throw new StokerError('INTERNAL', file, `cannot write ${file}: ${(cause as Error).message}`, { cause })
    }
  }
  return {
    event(event) {
      if (event.kind === 'output') return append(event.target, event.output)
      const ran = event.kind === 'finished' && (event.outcome.kind === 'ok' || event.outcome.kind === 'failed')
      return ran ? append(event.target, { stream: 'stdout', data: new Uint8Array() }) : undefined
    },
    end() {},
  }
}

/** Two machines of one name, of two warehouses, are told apart by their addresses: no name has an `@`. */
const fileNames = (targets: readonly Target[]): ReadonlyMap<Target, string> => {
  const alike = Map.groupBy(targets, ({ name }) => name)
  return new Map(
    targets.map(target => {
      const { name, addresses, port } = target
      const isOnly = alike.get(name)?.length === 1
      return [target, fileName(isOnly ? name : `${name}@${addresses[0] ?? ''}${port ? `:${port}` : ''}`)]
    }),
  )
}

const MAX_BYTES = 200

/** The name as that of a file: one part of a path, whatever it says, and not too long for a file system. */
export const fileName = (name: string): string => {
  const safe = name.replaceAll(/[^\p{L}\p{N}_.:%+~=#@-]/gu, '_')
  if (safe === name && Buffer.byteLength(name) <= MAX_BYTES) return name
  const start = Buffer.from(safe)
    .subarray(0, MAX_BYTES - 40)
    .toString()
    .replaceAll('\ufffd', '')
  return `${start}~${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}
