/** The body of a request: bytes until it is known who signed them, no more than the route takes, and not for ever. */
import type { Readable } from 'node:stream'
import type { ConnectionLimits } from './listener.ts'
import { RefusedRequest } from './refusal.ts'

/**
 * Reads all of it. `limit`: bytes; `length`: what the headers announce, which gives it more time. Throws `RefusedRequest`: `too-large` as soon as that
 * is known, `slow` when its time is over.
 */
export const readBody = async (
  payload: Readable,
  length: number,
  limit: number,
  { bodyTimeout, minBytesPerSecond }: Pick<ConnectionLimits, 'bodyTimeout' | 'minBytesPerSecond'>,
): Promise<Buffer> => {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  const addChunk = (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) reject(tooLarge(limit))
    else chunks.push(chunk)
  }
  const timedOut = () => reject(new RefusedRequest('slow', 'the body took too long to come'))
  const timer = setTimeout(timedOut, bodyTimeout + (length / minBytesPerSecond) * 1000)
  const finished = () => resolve(Buffer.concat(chunks))
  const aborted = () => reject(new RefusedRequest('malformed', 'the body ended before its end'))
  payload.on('data', addChunk).once('end', finished).once('error', aborted).once('close', aborted)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    payload.off('data', addChunk).off('end', finished).off('close', aborted)
  }
}

export const tooLarge = (limit: number): RefusedRequest =>
  new RefusedRequest('too-large', `the body is too large: ${limit} bytes are taken here`)
