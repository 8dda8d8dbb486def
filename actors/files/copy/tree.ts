/** A folder on this side, to the last byte of its names: read and hashed once for all targets. */
import { createHash } from 'node:crypto'
import { lstat, readdir, readlink } from 'node:fs/promises'
import type { Abortable } from '../../../src/base/abortable.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { type Extent, hashFile, piecesOf } from '../../../src/base/hash-file.ts'
import { shown } from '../../../src/base/names.ts'

/** Something in the folder. Names are bytes, one in each character, because no encoding is sure. */
export type Entry =
  | { readonly kind: 'folder'; readonly name: string; readonly mode: number }
  | {
      readonly kind: 'file'
      readonly name: string
      readonly mode: number
      readonly size: number
      /** Seconds since 1970. */
      readonly mtime: number
      readonly sha256: string
      /** See `hashFile`. */
      readonly data?: readonly Extent[]
    }
  | { readonly kind: 'link'; readonly name: string; readonly to: string }

export interface Tree {
  /** The folder itself comes first, as `.`; each folder before what is in it. Names begin with `./`. */
  readonly entries: readonly Entry[]
  /** A file's bytes; throws `CONFIG` when it is not what it was when it was hashed. */
  bytes(file: Extract<Entry, { readonly kind: 'file' }>): AsyncIterable<Uint8Array>
}

/** Reads the tree below the folder. Throws `CONFIG` for what cannot be read, and for devices, sockets and pipes. */
export const readTree = async (folder: string, { signal }: Abortable): Promise<Tree> => {
  const root = Buffer.from(folder).toString('latin1')
  const entries: Entry[] = []
  const visit = async (name: string): Promise<void> => {
    signal.throwIfAborted()
    const path = pathOf(root, name)
    const found = await lstat(name === '.' ? Buffer.concat([path, Buffer.from('/')]) : path)
    const mode = found.mode & 0o7777
    if (found.isSymbolicLink()) {
      entries.push({ kind: 'link', name, to: (await readlink(path, { encoding: 'buffer' })).toString('latin1') })
    } else if (found.isFile()) {
      entries.push({ kind: 'file', name, mode, mtime: Math.floor(found.mtimeMs / 1000), ...(await hashFile(path)) })
    } else if (found.isDirectory()) {
      entries.push({ kind: 'folder', name, mode })
      const names = (await readdir(path, { encoding: 'buffer' })).map(one => one.toString('latin1')).sort()
      for (const one of names) await visit(`${name}/${one}`)
    } else {
      throw unusable(name, 'it is neither a file nor a folder nor a link')
    }
  }
  try {
    await visit('.')
  } catch (cause) {
    if (cause instanceof StokerError || signal.aborted) throw cause
    throw new StokerError('CONFIG', folder, `cannot read ${shown(folder)}: ${(cause as Error).message}`, { cause })
  }
  return { entries, bytes: file => unchanged(pathOf(root, file.name), file) }
}

/** A name as people read it, harmless to terminals. */
export const printable = (name: string): string => {
  const text = Buffer.from(name, 'latin1').toString()
  return /^[^\p{Cc}\p{Cf}\ufffd]+$/u.test(text) ? text : shown(text)
}

const pathOf = (root: string, name: string): Buffer => Buffer.from(`${root}${name.slice(1)}`, 'latin1')

async function* unchanged(
  path: Buffer,
  { name, size, sha256 }: { readonly name: string; readonly size: number; readonly sha256: string },
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let left = size
  for await (const chunk of piecesOf(path)) {
    left -= chunk.length
    // Not a byte more than was announced: what follows in the stream would be taken for its end.
    if (left < 0) break
    hash.update(chunk)
    yield chunk
  }
  if (left !== 0 || hash.digest('hex') !== sha256) throw unusable(name, 'it was changed while it was in use; run again')
}

const unusable = (name: string, why: string): StokerError =>
  new StokerError('CONFIG', printable(name), `cannot copy ${printable(name)}: ${why}`)
