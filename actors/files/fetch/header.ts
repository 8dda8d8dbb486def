/** The first line of what a target sends, and all that follows it. Pure. */

export interface Header {
  /** Of the whole file. */
  readonly sha256: string
  /** Bytes of the whole file. */
  readonly size: number
  /** Where in the file the bytes begin which follow. */
  readonly at: number
  /** Whether the file has holes; then the bytes come packed by gzip(1), which makes next to nothing of them. */
  readonly isSparse: boolean
}

/** The shell's command which prints the header. */
export const printHeader = (sha256: string, size: string, at: string, sparse: string): string =>
  `echo "${sha256} ${size} ${at}${sparse}"`

const LINE = /^([0-9a-f]{64}) (\d+) (\d+)( sparse)?$/

/** Takes the stream apart; what is no such stream has no header. */
export const headed = () => {
  let begun: Buffer | undefined = Buffer.alloc(0)
  let header: Header | undefined
  return {
    get header() {
      return header
    },
    /** The next piece, and what of it belongs to the file. */
    push(data: Uint8Array): Uint8Array {
      if (!begun) return data
      const all = Buffer.concat([begun, data])
      const end = all.indexOf('\n')
      if (end < 0) {
        begun = all
        return Buffer.alloc(0)
      }
      begun = undefined
      const [, sha256, size, at, sparse] = LINE.exec(all.subarray(0, end).toString('latin1')) ?? []
      if (sha256 !== undefined) header = { sha256, size: Number(size), at: Number(at), isSparse: sparse !== undefined }
      return all.subarray(end + 1)
    },
  }
}
