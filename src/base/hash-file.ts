/** Files on this side, in little memory whatever their size. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** Bytes of a block: holes of sparse files are looked for in whole ones. */
export const BLOCK_SIZE = 64 * 1024

/** A part of a file, from one byte to before another one. */
export interface Extent {
  readonly from: number
  readonly to: number
}

export interface HashedFile {
  /** Bytes. */
  readonly size: number
  /** Hexadecimal, lower case. */
  readonly sha256: string
  /** Of a sparse file, the parts which are not holes, in order; each begins at a block, and ends at one or at the end of the file. */
  readonly data?: readonly Extent[]
}

/**
 * The file's bytes. Each piece lies in the same memory as the one before: what a stream of Node's leaves behind, a hundred
 * MB and more for a large file, is more than all else that a run holds. Throws what the file system throws.
 */
export async function* piecesOf(path: string | Buffer): AsyncGenerator<Uint8Array, void, void> {
  const buffer = Buffer.allocUnsafeSlow(BLOCK_SIZE)
  await using file = await open(path)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, BLOCK_SIZE)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Reads it all. Throws what the file system throws. */
export const hashFile = async (path: string | Buffer): Promise<HashedFile> => {
  const hash = createHash('sha256')
  const isSparse = await takesLessThanItsSize(path)
  const data: Extent[] = []
  let size = 0
  for await (const piece of piecesOf(path)) {
    hash.update(piece)
    const isHole = isSparse && size % BLOCK_SIZE === 0 && isZero(piece)
    const last = data.at(-1)
    // Where pieces are not whole blocks, those which begin within one belong to what is before.
    const from = size - (size % BLOCK_SIZE)
    size += piece.length
    if (isHole) continue
    if (last && last.to >= from) data[data.length - 1] = { from: last.from, to: size }
    else data.push({ from, to: size })
  }
  const filled = data.reduce((all, { from, to }) => all + to - from, 0)
  return { size, sha256: hash.digest('hex'), ...(filled < size && { data }) }
}

/** Whether all of it is zeros, as a hole reads. */
export const isZero = (piece: Uint8Array): boolean => ZEROS.subarray(0, piece.length).equals(piece)

const ZEROS = Buffer.alloc(BLOCK_SIZE)

/** How blocks are counted in stat(2). */
const STAT_BLOCK = 512

const takesLessThanItsSize = async (path: string | Buffer): Promise<boolean> => {
  await using file = await open(path)
  const { blocks, size } = await file.stat()
  return blocks * STAT_BLOCK < size
}
