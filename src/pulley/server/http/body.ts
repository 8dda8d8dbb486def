/** The body of a request: bytes until it is known who signed them, no more than the route takes, and not for ever. */
import type { Readable } from 'node:stream'
import type { Patience } from './listener.ts'
import { RefusedRequest } from './refusal.ts'

/**
 * Reads all of it. `limit`: bytes; `length`: what the headers announce, which gives it more time. Throws `RefusedRequest`: `too-large` as soon as that
 * is known, `slow` when its time is over.
 */
export const readBody = async (
  payload: Readable,
  length: number,
  limit: number,
  { body, pace }: Pick<Patience, 'body' | 'pace'>,
): Promise<Buffer> => {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const pieces: Buffer[] = []
  let size = 0
  const take = (piece: Buffer) => {
    size += piece.length
    if (size > limit) reject(tooLarge(limit))
    else pieces.push(piece)
  }
  const late = () => reject(new RefusedRequest('slow', 'the body took too long to come'))
  const timer = setTimeout(late, body + (length / pace) * 1000)
  const over = () => resolve(Buffer.concat(pieces))
  const gone = () => reject(new RefusedRequest('malformed', 'the body ended before its end'))
  payload.on('data', take).once('end', over).once('error', gone).once('close', gone)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    payload.off('data', take).off('end', over).off('close', gone)
  }
}

export const tooLarge = (limit: number): RefusedRequest =>
  new RefusedRequest('too-large', `the body is too large: ${limit} bytes are taken here`)
