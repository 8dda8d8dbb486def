/** A stream in front of whose data stands a line for us: after it the data passes, before it others may have talked. */
import { Transform, type TransformCallback } from 'node:stream'

/** Passes everything on but the first match of `sign`, whose first group is told. */
export class Herald extends Transform {
  /** The first group of the match; `undefined` when the stream ended without one. */
  readonly word: Promise<string | undefined>
  readonly #sign: RegExp
  readonly #tell: (word: string | undefined) => void
  #waiting: Buffer = Buffer.alloc(0)
  #told = false

  constructor(sign: RegExp) {
    super()
    this.#sign = sign
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.word = promise
    this.#tell = resolve
    this.once('close', () => resolve(undefined))
  }

  get isTold(): boolean {
    return this.#told
  }

  /** What was said instead, when the stream ended without a match. */
  get said(): string {
    return this.#waiting.toString()
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    for (const piece of this.#told ? [chunk] : this.#listen(chunk)) this.push(piece)
    done()
  }

  /** What can be passed on now. */
  #listen(chunk: Buffer): readonly Buffer[] {
    this.#waiting = Buffer.concat([this.#waiting, chunk])
    // One byte a character, so that places in the text are places in the data.
    const found = this.#sign.exec(this.#waiting.toString('latin1'))
    if (!found) return []
    const before = this.#waiting.subarray(0, found.index)
    const after = this.#waiting.subarray(found.index + found[0].length)
    this.#told = true
    this.#waiting = Buffer.alloc(0)
    this.#tell(found[1])
    return [before, after].filter(piece => piece.length > 0)
  }

  override _flush(done: TransformCallback): void {
    this.#tell(undefined)
    done()
  }
}
