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
  const take = () => {
    for (let part = gunzip.read(); part !== null; part = gunzip.read()) parts.push(part)
  }
  // It goes on only when what it has made is taken.
  gunzip.on('readable', take)
  // Of what cannot be unpacked no write hears.
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {}) // nobody may be waiting
  gunzip.on('error', broken.reject)
  return {
    async push(piece) {
      // Of no bytes zlib makes nothing, and does not say so.
      if (piece.length === 0) return []
      const written = Promise.withResolvers<void>()
      gunzip.write(piece, error => (error ? written.reject(error) : written.resolve()))
      await Promise.race([written.promise, broken.promise])
      take()
      const ready = parts
      parts = []
      return ready
    },
  }
}
