/** Holes of sparse files: they are not sent, and made again on the target. Pure. */
import { BLOCK_SIZE, type Extent } from '../../../src/base/hash-file.ts'

/** Bytes of all the parts. */
export const lengthOf = (data: readonly Extent[]): number => data.reduce((all, { from, to }) => all + to - from, 0)

/** Where each part lies, in blocks: `FIRST COUNT`. */
export const blocksOf = ({ from, to }: Extent): string =>
  `${from / BLOCK_SIZE} ${Math.ceil(to / BLOCK_SIZE) - from / BLOCK_SIZE}`

/** The parts from the block of this byte on. */
export const partsFrom = (data: readonly Extent[], at: number): readonly Extent[] => {
  const block = at - (at % BLOCK_SIZE)
  return data.flatMap(({ from, to }) => (to <= block ? [] : [{ from: Math.max(from, block), to }]))
}

/** Of a file's bytes, from its beginning, those which lie in a part, each with where it lies. A piece is good until the next one. */
export async function* within(
  bytes: AsyncIterable<Uint8Array>,
  data: readonly Extent[],
): AsyncGenerator<{ readonly piece: Uint8Array; readonly at: number }, void, void> {
  let position = 0
  let index = 0
  for await (const whole of bytes) {
    const end = position + whole.length
    for (let extent = data[index]; extent && extent.from < end; extent = data[index]) {
      const from = Math.max(extent.from, position)
      const to = Math.min(extent.to, end)
      if (from < to) yield { piece: whole.subarray(from - position, to - position), at: from }
      if (extent.to > end) break
      index++
    }
    position = end
  }
}

/** What ends a stream of `sparseStream`. */
const END = 'end end\n'

/**
 * The parts for `RECEIVE_SPARSE`: before each a line which says where it lies; whole blocks, the last one filled up with zeros.
 * The end is marked once the source has said that it is what it was. `moved` is told how many bytes have gone.
 */
export async function* sparseStream(
  bytes: AsyncIterable<Uint8Array>,
  data: readonly Extent[],
  moved: (sent: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const begins = new Map(data.map(extent => [extent.from, extent]))
  let sent = 0
  for await (const { piece, at } of within(bytes, data)) {
    const begun = begins.get(at)
    if (begun) yield Buffer.from(`${blocksOf(begun)}\n`)
    yield piece
    sent += piece.length
    moved(sent)
    const end = at + piece.length
    if (end === data.at(-1)?.to && end % BLOCK_SIZE > 0) yield Buffer.alloc(BLOCK_SIZE - (end % BLOCK_SIZE))
  }
  yield Buffer.from(END)
}

/**
 * Shell which writes such a stream into `"$t"`. `read` of a pipe takes no byte behind its line; dd cuts its output at where it
 * begins to write (POSIX), which is here the end. `k` is called when the stream has none.
 */
export const receiveSparse = (size: number): string =>
  [
    'while IFS=" " read -r o n; do [ "$o" != end ] || break; ' +
      `e=$(dd bs=${BLOCK_SIZE} seek="$o" count="$n" iflag=fullblock conv=notrunc of="$t" 2>&1) || ` +
      '{ [ $? -le 128 ] || k; printf "%s\\n" "$e" | grep dd: >&2; exit 1; }; done',
    '[ "$o" = end ] || { echo "the content is incomplete" >&2; k; }',
    setSize('"$t"', String(size)),
  ].join('; ')

/** Shell which makes a file as long as that, with a hole at its end or cut off. */
export const setSize = (path: string, size: string): string =>
  `e=$(dd if=/dev/null of=${path} bs=1 seek=${size} count=0 2>&1) || { printf "%s\\n" "$e" >&2; exit 1; }`
