/** Files on this side, in little memory whatever their size. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

const PIECE = 64 * 1024

/**
 * The file's bytes. Each piece lies in the same memory as the one before: what a stream of Node's leaves behind, a hundred
 * MB and more for a large file, is more than all else that a run holds. Throws what the file system throws.
 */
export async function* piecesOf(path: string | Buffer): AsyncGenerator<Uint8Array, void, void> {
  const buffer = Buffer.allocUnsafeSlow(PIECE)
  await using file = await open(path)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, PIECE)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Size in bytes, and sha256 in hexadecimal. Throws what the file system throws. */
export const hashFile = async (path: string | Buffer): Promise<{ readonly size: number; readonly sha256: string }> => {
  const hash = createHash('sha256')
  let size = 0
  for await (const piece of piecesOf(path)) {
    hash.update(piece)
    size += piece.length
  }
  return { size, sha256: hash.digest('hex') }
}
