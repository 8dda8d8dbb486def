/** Bytes of one stream as pieces of JSON-ready text. Pure. */
import { isUtf8 } from 'node:buffer'

/** `text` where the bytes are UTF-8, else `base64`. */
export type Piece = { readonly text: string } | { readonly base64: string }

/** Cuts a stream of bytes into pieces without splitting a character. */
export interface Pieces {
  /** `undefined` when the chunk only holds the beginning of a character. */
  push(chunk: Uint8Array): Piece | undefined
  /** The beginning of a character which never came to its end. */
  end(): Piece | undefined
}

export const pieces = (): Pieces => {
  let kept: Buffer = Buffer.alloc(0)
  return {
    push(chunk) {
      const bytes =
        kept.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([kept, chunk])
      const end = bytes.length - unfinished(bytes)
      kept = Buffer.from(bytes.subarray(end))
      return pieceOf(bytes.subarray(0, end))
    },
    end() {
      const rest = kept
      kept = Buffer.alloc(0)
      return pieceOf(rest)
    },
  }
}

const pieceOf = (bytes: Buffer): Piece | undefined => {
  if (bytes.length === 0) return undefined
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') }
}

/** How many bytes at the end begin a character of which more is to come: 0 to 3. */
const unfinished = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue // a continuation byte: its first byte is further in front
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}
