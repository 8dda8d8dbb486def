/** A stream in front of whose data stands a line for us: after it the data passes, before it others may have talked. */
import { Transform, type TransformCallback } from 'node:stream'

/** Passes everything on but the first match of the pattern, whose first group is the marker. */
export class MarkerStream extends Transform {
  /** The first group of the match; `undefined` when the stream ended without one. */
  readonly marker: Promise<string | undefined>
  readonly #pattern: RegExp
  readonly #resolve: (marker: string | undefined) => void
  #buffer: Buffer = Buffer.alloc(0)
  #found = false

  constructor(pattern: RegExp) {
    super()
    this.#pattern = pattern
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.marker = promise
    this.#resolve = resolve
    this.once('close', () => resolve(undefined))
  }

  get isFound(): boolean {
    return this.#found
  }

  /** The text which came instead, when the stream ended without a match. */
  get unmatched(): string {
    return this.#buffer.toString()
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    for (const piece of this.#found ? [chunk] : this.#search(chunk)) this.push(piece)
    done()
  }

  /** What can be passed on now. */
  #search(chunk: Buffer): readonly Buffer[] {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    // One byte a character, so that places in the text are places in the data.
    const found = this.#pattern.exec(this.#buffer.toString('latin1'))
    if (!found) return []
    const before = this.#buffer.subarray(0, found.index)
    const after = this.#buffer.subarray(found.index + found[0].length)
    this.#found = true
    this.#buffer = Buffer.alloc(0)
    this.#resolve(found[1])
    return [before, after].filter(piece => piece.length > 0)
  }

  override _flush(done: TransformCallback): void {
    this.#resolve(undefined)
    done()
  }
}
