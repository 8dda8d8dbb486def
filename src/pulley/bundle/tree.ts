/** The content of a bundle: a policy's folder as one compressed document, the same bytes for the same files. */
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import * as z from 'zod'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { MAX_CONTENT } from '../protocol/limits.ts'

/** Paths below the policy's folder, with `/` between, and what the files hold. */
export type Tree = ReadonlyMap<string, Uint8Array>

/** Unpacked. What is larger belongs on a file server, with its checksum in the policy. */
const LIMIT = 256 * 1024 * 1024

/** No way out of the folder, and nothing a system could take for something else. */
const isBelow = (path: string): boolean =>
  path.length <= 1000 && path.split('/').every(part => !/^\.{0,2}$/.test(part)) && !/[\0\\]/.test(path)

const shape = z.strictObject({ format: z.literal(1), files: z.record(z.string(), z.base64()) })

export interface Packed {
  readonly bytes: Uint8Array
  readonly sha256: string
}

/** Throws `CONFIG` when there is too much of it, and for a file which no node would take. */
export const pack = (tree: Tree): Packed => {
  const wrong = [...tree.keys()].find(path => !isBelow(path))
  if (wrong !== undefined)
    throw new StokerError('CONFIG', wrong, `a bundle cannot hold the file ${shown(wrong)}: rename it`)
  const size = [...tree.values()].reduce((sum, { length }) => sum + length, 0)
  if (size > LIMIT)
    throw new StokerError('CONFIG', 'files', `the policy's files are ${size} bytes; a bundle takes ${LIMIT} at most`)
  const files = [...tree]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, data]) => [name, Buffer.from(data).toString('base64')])
  const bytes = gzipSync(JSON.stringify({ format: 1, files: Object.fromEntries(files) }), { level: 9 })
  if (bytes.length > MAX_CONTENT)
    throw new StokerError(
      'CONFIG',
      'files',
      `the policy's files are ${bytes.length} bytes when packed; a bundle takes ${MAX_CONTENT} at most`,
    )
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** The files in the bytes; throws `UNTRUSTED` when they are not those of this checksum, or of another shape. */
export const unpack = (bytes: Uint8Array, sha256: string): Tree => {
  const actual = createHash('sha256').update(bytes).digest('hex')
  if (actual !== sha256) throw untrusted(`its checksum is ${actual}, and not ${sha256}`)
  const parsed = shape.safeParse(contentOf(bytes))
  if (!parsed.success) throw untrusted(z.prettifyError(parsed.error))
  const wrong = Object.keys(parsed.data.files).find(path => !isBelow(path))
  if (wrong !== undefined) throw untrusted(`${shown(wrong)} is no path below the folder`)
  return new Map(Object.entries(parsed.data.files).map(([name, data]) => [name, Buffer.from(data, 'base64')]))
}

const contentOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(gunzipSync(bytes, { maxOutputLength: 2 * LIMIT }).toString())
  } catch (cause) {
    throw untrusted('it is damaged', cause)
  }
}

const untrusted = (why: string, cause?: unknown): StokerError =>
  new StokerError('UNTRUSTED', 'bundle', `the content of the bundle is refused: ${why}`, { cause })
