/** One stream of one target, gathered whole: its beginning or end in memory, the rest in the spill. */
import { createHash } from 'node:crypto'
import { BLOCK_BYTES, type Spill } from './spill.ts'

/** A stream which is still coming in. */
export interface Gathering {
  add(chunk: Uint8Array): Promise<void>
  /** Adds a missing last line feed. Nothing can be added after. */
  close(): Promise<Gathered>
}

/** A stream which has ended. */
export interface Gathered {
  /** Equal for equal bytes only (SHA-256). */
  readonly digest: string
  /** How many of its bytes are in memory. */
  readonly held: number
  read(): AsyncGenerator<Uint8Array, void, void>
  /** Moves what is in memory to the spill. */
  park(): Promise<void>
  /** Gives its room back; it cannot be read any more. */
  drop(): void
}

const LINE_FEED = Uint8Array.of(10)

export const gather = (spill: Spill): Gathering => {
  const hash = createHash('sha256')
  const blocks: number[] = []
  let tail = Buffer.alloc(0)
  let used = 0

  const add = async (chunk: Uint8Array): Promise<void> => {
    hash.update(chunk)
    for (let at = 0; at < chunk.length; ) {
      if (used === BLOCK_BYTES) {
        blocks.push(await spill.store(tail))
        used = 0
      }
      const part = chunk.subarray(at, at + BLOCK_BYTES - used)
      tail = withRoom(tail, used, used + part.length)
      tail.set(part, used)
      used += part.length
      at += part.length
    }
  }

  return {
    add,
    async close() {
      if (used > 0 && tail[used - 1] !== LINE_FEED[0]) await add(LINE_FEED)
      return gathered(spill, hash.digest('base64'), blocks, Buffer.from(tail.subarray(0, used)))
    },
  }
}

const gathered = (spill: Spill, digest: string, full: readonly number[], tail: Buffer): Gathered => {
  let held: Buffer | undefined = tail
  let parked: number | undefined
  return {
    digest,
    get held() {
      return held?.length ?? 0
    },
    async *read() {
      for (const block of full) yield await spill.load(block, BLOCK_BYTES)
      if (held !== undefined) yield held
      else if (parked !== undefined) yield await spill.load(parked, tail.length)
    },
    async park() {
      if (held === undefined) return
      parked = await spill.store(held)
      held = undefined
    },
    drop() {
      for (const block of parked === undefined ? full : [...full, parked]) spill.free(block)
      held = undefined
    },
  }
}

/** The buffer, or a larger one with the same first `used` bytes: most outputs are short, so it starts small. */
const withRoom = (buffer: Buffer<ArrayBuffer>, used: number, wanted: number): Buffer<ArrayBuffer> => {
  if (wanted <= buffer.length) return buffer
  const larger = Buffer.alloc(Math.min(BLOCK_BYTES, Math.max(wanted, buffer.length * 2, 256)))
  larger.set(buffer.subarray(0, used))
  return larger
}
