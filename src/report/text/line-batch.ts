/** Turns the chunks of one stream of one target into batches of whole, labelled lines. Pure: bytes in, bytes out. */
import { harmlessLines } from '../../base/printable.ts'

/** A line which has not ended after this many bytes is broken, so that a target which never ends its line cannot fill the memory. */
export const MAX_LINE = 1024 * 1024

const LINE_FEED = 10
const NEWLINE = Buffer.from('\n')

/** Whole lines out of chunks. Whatever it returns ends with a line feed, or is empty. */
export interface LineBatch {
  /** The lines which this chunk completes: a copy, or a view of the chunk. The rest is copied and kept. */
  push(chunk: Uint8Array): Uint8Array
  /** The last line, when it had no line feed, with one added. */
  end(): Uint8Array
}

export interface LineBatchOptions {
  /** Put before each line; may be empty. */
  readonly label: string
  /** Whether the lines are for a terminal, where control characters are made harmless; elsewhere bytes pass unchanged. */
  readonly harmless: boolean
}

export const lineBatch = ({ label, harmless }: LineBatchOptions): LineBatch => {
  let kept: Buffer[] = []
  let keptBytes = 0
  // As latin1 every byte is one character: the fastest way through the engine's string search, and none is lost.
  const encoding = harmless ? 'utf8' : 'latin1'
  const prefix = Buffer.from(label).toString(encoding)

  const dress = (lines: Buffer): Uint8Array => {
    if (prefix === '' && !harmless) return lines
    const text = lines.toString(encoding)
    const shown = harmless ? harmlessLines(text) : text
    if (prefix === '') return Buffer.from(shown, encoding)
    return Buffer.from(`${prefix}${shown.slice(0, -1).replaceAll('\n', `\n${prefix}`)}\n`, encoding)
  }

  const take = (last: Uint8Array): Buffer => {
    const lines = kept.length === 0 ? asBuffer(last) : Buffer.concat([...kept, last])
    kept = []
    keptBytes = 0
    return lines
  }

  const keep = (rest: Buffer): void => {
    if (rest.length === 0) return
    kept.push(Buffer.from(rest))
    keptBytes += rest.length
    // Many tiny chunks without a line end would cost more in bookkeeping than in bytes.
    if (kept.length > 256) kept = [Buffer.concat(kept)]
  }

  return {
    push(chunk) {
      const bytes = asBuffer(chunk)
      const end = bytes.lastIndexOf(LINE_FEED) + 1
      const whole = end === 0 ? [] : [dress(take(bytes.subarray(0, end)))]
      keep(bytes.subarray(end))
      while (keptBytes > MAX_LINE) {
        const long = take(Buffer.alloc(0))
        const cut = characterBorder(long, MAX_LINE)
        whole.push(dress(Buffer.concat([long.subarray(0, cut), NEWLINE])))
        keep(long.subarray(cut))
      }
      return whole.length === 1 ? (whole[0] as Uint8Array) : Buffer.concat(whole)
    },
    end: () => (keptBytes === 0 ? Buffer.alloc(0) : dress(take(NEWLINE))),
  }
}

/** Where to cut at `limit` or a little before, so that no UTF-8 character is split. */
export const characterBorder = (bytes: Uint8Array, limit: number): number => {
  for (let cut = limit; cut > limit - 4 && cut > 0; cut--) if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut
  return limit // not UTF-8: any place is as good
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
