/**
 * An archive as tar(1) reads it: POSIX ustar (IEEE 1003.1-1988), with GNU's long names, which every tar of today knows. Names
 * are bytes, one in each character. Pure.
 */

export type Member =
  | {
      readonly kind: 'file'
      readonly name: string
      readonly mode: number
      readonly size: number
      readonly bytes: AsyncIterable<Uint8Array>
      /** Seconds since 1970, at most up to the year 2242; default 0. */
      readonly mtime?: number
    }
  | { readonly kind: 'folder'; readonly name: string; readonly mode: number }
  | { readonly kind: 'link'; readonly name: string; readonly to: string }

const BLOCK = 512
/** Small pieces travel together. */
const PIECE = 64 * 1024

/** The archive, piece by piece. */
export async function* tar(members: Iterable<Member>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces(members)) {
    // A large piece is copied at once below; a small one has to wait, and its memory may not.
    waiting.push(piece.length < PIECE ? Uint8Array.from(piece) : piece)
    size += piece.length
    if (size < PIECE) continue
    yield Buffer.concat(waiting)
    waiting = []
    size = 0
  }
  yield Buffer.concat(waiting)
}

async function* pieces(members: Iterable<Member>): AsyncGenerator<Uint8Array> {
  for (const member of members) {
    const { name } = member
    const to = member.kind === 'link' ? member.to : ''
    for (const [text, type] of [
      [to, 'K'],
      [name, 'L'],
    ] as const) {
      if (text.length <= 100) continue
      yield header({ name: '././@LongLink', mode: 0, size: text.length + 1, type, to: '' })
      yield padded(Buffer.from(`${text}\0`, 'latin1'))
    }
    const mode = member.kind === 'link' ? 0o777 : member.mode
    if (member.kind !== 'file') {
      yield header({ name, mode, size: 0, type: member.kind === 'link' ? '2' : '5', to })
      continue
    }
    yield header({ name, mode, size: member.size, type: '0', to, mtime: member.mtime ?? 0 })
    yield* member.bytes
    yield Buffer.alloc(-member.size & (BLOCK - 1))
  }
  yield Buffer.alloc(2 * BLOCK)
}

interface Header {
  readonly name: string
  readonly mode: number
  readonly size: number
  readonly type: '0' | '2' | '5' | 'K' | 'L'
  readonly to: string
  readonly mtime?: number
}

const header = ({ name, mode, size, type, to, mtime = 0 }: Header): Buffer => {
  const block = Buffer.alloc(BLOCK)
  block.write(name.slice(0, 100), 0, 'latin1')
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  if (size < 8 ** 11) block.write(octal(size, 12), 124)
  else {
    // GNU's way for more than 8 GiB: the number itself, marked by the highest bit.
    block.writeUInt8(0x80, 124)
    block.writeBigUInt64BE(BigInt(size), 128)
  }
  block.write(octal(Math.max(0, mtime), 12), 136)
  block.write('        ', 148)
  block.write(type, 156)
  block.write(to.slice(0, 100), 157, 'latin1')
  block.write('ustar\u000000', 257)
  const sum = block.reduce((all, byte) => all + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

const padded = (data: Buffer): Buffer => Buffer.concat([data, Buffer.alloc(-data.length & (BLOCK - 1))])
