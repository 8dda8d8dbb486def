/** Takes one stream of a batch apart: what each script wrote, between lines which no script can forge. Pure. */

/** A piece of what the script of this number wrote. */
export interface Piece {
  readonly index: number
  readonly data: Uint8Array
}

const NEWLINE = 0x0a
/** What may come before the batch, such as what a shell's profile has to say; bytes. */
const MAX_PREAMBLE = 65_536
const MARK = 32

/**
 * The stream begins with `NONCE MARK\n`, where the mark is 32 hexadecimal digits; what each script wrote is followed by
 * `MARK CODE\n`, and all of it by `MARK end\n`. The mark is made on the target and never sent to it.
 */
export class Frames {
  /** The exit codes of the scripts which have ended. */
  readonly codes: number[] = []
  /** Whether the end has been read. */
  finished = false
  readonly #header: Buffer
  #end: Buffer | undefined
  #unread: Buffer = Buffer.alloc(0)

  constructor(nonce: string) {
    this.#header = Buffer.from(`${nonce} `)
  }

  /** Takes a chunk of the stream, and returns what of it is output. */
  push(chunk: Uint8Array): readonly Piece[] {
    this.#unread = this.#unread.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#unread, chunk])
    const pieces: Piece[] = []
    if (this.#end || this.#begin()) while (!this.finished && this.#next(pieces)) {}
    return pieces
  }

  /** What came last and is no output: why the shell gave up, perhaps. */
  rest(): Uint8Array {
    return this.#unread
  }

  #begin(): boolean {
    const at = this.#unread.indexOf(this.#header)
    const mark = at + this.#header.length
    if (at < 0 || this.#unread.length <= mark + MARK) {
      if (at < 0 && this.#unread.length > MAX_PREAMBLE) this.#unread = this.#unread.subarray(-this.#header.length)
      return false
    }
    this.#end = Buffer.from(`${this.#unread.toString('latin1', mark, mark + MARK)} `)
    this.#unread = this.#unread.subarray(mark + MARK + 1)
    return true
  }

  #next(pieces: Piece[]): boolean {
    const end = this.#end as Buffer
    const at = this.#unread.indexOf(end)
    const output = at < 0 ? this.#unread.length - this.#beginningOf(end) : at
    if (output > 0) {
      pieces.push({ index: this.codes.length, data: this.#unread.subarray(0, output) })
      this.#unread = this.#unread.subarray(output)
    }
    const stop = at < 0 ? -1 : this.#unread.indexOf(NEWLINE, end.length)
    if (stop < 0) return false
    const word = this.#unread.toString('latin1', end.length, stop)
    this.#unread = this.#unread.subarray(stop + 1)
    if (word === 'end') this.finished = true
    else this.codes.push(Number(word))
    return true
  }

  /** How many of the last bytes may be the beginning of an end. */
  #beginningOf(end: Buffer): number {
    for (let length = Math.min(end.length - 1, this.#unread.length); length > 0; length--)
      if (this.#unread.subarray(-length).equals(end.subarray(0, length))) return length
    return 0
  }
}
