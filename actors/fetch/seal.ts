/** A stream with a checksum at its end: what is read is passed on, but for the last bytes. Pure. */

/** Hexadecimal digits of a sha256. */
const LENGTH = 64

/** The shell's command which prints the seal. */
export const seal = (sha256: string): string => `printf %s "${sha256}"`

/** Takes the stream apart. */
export const sealed = () => {
  let kept: Buffer = Buffer.alloc(0)
  return {
    /** The next piece, and what of the content is known to be no seal by it. */
    push(data: Uint8Array): Uint8Array {
      const all = Buffer.concat([kept, data])
      const end = Math.max(0, all.length - LENGTH)
      kept = Buffer.from(all.subarray(end))
      return all.subarray(0, end)
    },
    /** The seal. */
    end: (): string => kept.toString('latin1'),
  }
}
