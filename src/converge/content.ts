/** What a file shall hold: known by size and checksum before a byte of it is read. */
import { createHash } from 'node:crypto'
import type { Extent } from '../base/hash-file.ts'

export interface Content {
  /** Bytes. */
  readonly size: number
  /** Hexadecimal, lower case. */
  readonly sha256: string
  /** Of a sparse file, the parts which are not holes; see `hashFile`. */
  readonly data?: readonly Extent[]
  /** The bytes, from the beginning, each time it is called. A piece is good until the next one is asked for, and no longer. */
  bytes(): AsyncIterable<Uint8Array>
}

/** Content which is in memory already. */
export const contentOf = (data: string | Uint8Array): Content => {
  const bytes = Buffer.from(data)
  return {
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    async *bytes() {
      yield bytes
    },
  }
}

/** All of a content at once; for those which are known to be small. */
export const bytesOf = async (content: Content): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const part of content.bytes()) parts.push(Uint8Array.from(part))
  return Buffer.concat(parts)
}
