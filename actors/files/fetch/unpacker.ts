/** The bytes of a file as the target has them, out of how they travel. */
import { createGunzip } from 'node:zlib'
import { BLOCK_SIZE } from '../../../src/base/hash-file.ts'
import type { Header } from './header.ts'

export interface Unpacker {
  /** What another piece amounts to. Throws when it is not what was announced. */
  push(piece: Uint8Array): Promise<readonly Uint8Array[]>
}

export const unpacker = ({ isSparse }: Header): Unpacker => (isSparse ? gunzipping() : { push: async piece => [piece] })

/** Nothing is kept back, and nothing stays open: a stream which is broken off is simply forgotten. */
const gunzipping = (): Unpacker => {
  const gunzip = createGunzip({ chunkSize: BLOCK_SIZE })
  let parts: Uint8Array[] = []
  gunzip.on('data', (part: Uint8Array) => void parts.push(part))
  // Each push hears of its own failure.
  gunzip.on('error', () => {})
  return {
    async push(piece) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      gunzip.write(piece, error => (error ? reject(error) : resolve()))
      await promise
      const ready = parts
      parts = []
      return ready
    },
  }
}
