/** Output of an action in pieces which are worth a file and a request each, up to a limit. */
import type { Output } from '../../../connection/connection.ts'

type Put = (piece: number, stream: Output['stream'], data: Uint8Array) => Promise<void>

/** Bytes. */
const PIECE_BYTES = 64 * 1024
/** How long a little output waits for more; milliseconds. */
const FLUSH_AFTER_MS = 1000

export class OutputPieces {
  readonly #limit: number
  readonly #put: Put
  #stream: Output['stream'] = 'stdout'
  #buffered: Uint8Array[] = []
  #size = 0
  #total = 0
  #timer: NodeJS.Timeout | undefined
  /** Pieces are put one after the other. */
  #putting: Promise<void> = Promise.resolve()
  /** The number of the next piece: of those which were put, or will be when `end` has ended. */
  count: number
  /** Whether there was more than the limit. */
  truncated = false

  /** `first`: the number of the first piece. */
  constructor(limit: number, put: Put, first = 0) {
    this.#limit = limit
    this.#put = put
    this.count = first
  }

  async add({ stream, data }: Output): Promise<void> {
    const room = this.#limit - this.#total
    if (data.length > room) this.truncated = true
    const taken = data.subarray(0, room)
    if (taken.length === 0) return
    if (stream !== this.#stream) this.#flush()
    this.#stream = stream
    this.#buffered.push(taken)
    this.#size += taken.length
    this.#total += taken.length
    if (this.#size >= PIECE_BYTES) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER_MS)
    // Whoever writes faster than the disk has to wait for it.
    await this.#putting
  }

  /** Puts what waits. Throws what could not be put. */
  async end(): Promise<void> {
    this.#flush()
    await this.#putting
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#size === 0) return
    const data = Buffer.concat(this.#buffered)
    const stream = this.#stream
    this.#buffered = []
    this.#size = 0
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      const piece = this.count++
      this.#putting = this.#putting.then(() => this.#put(piece, stream, data.subarray(at, at + PIECE_BYTES)))
    }
    this.#putting.catch(() => {}) // thrown to who adds or ends
  }
}
