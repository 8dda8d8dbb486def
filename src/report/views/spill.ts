/** Blocks of bytes which were too much for the memory, in one temporary file which nobody else can see. */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StokerError } from '../../base/errors.ts'

export const BLOCK_BYTES = 32 * 1024

/** Throws `INTERNAL` naming the folder when the temporary file cannot be made, written or read. */
export interface Spill extends AsyncDisposable {
  /** Keeps at most `BLOCK_BYTES` and returns the block's number. */
  store(bytes: Uint8Array): Promise<number>
  /** The first `length` bytes of a block. */
  load(block: number, length: number): Promise<Buffer>
  /** The block's place may be used again. */
  free(block: number): void
}

/** No file is made before the first block. `folder` is where it is made. */
export const spill = (folder: string = tmpdir()): Spill => {
  const freed: number[] = []
  let blocks = 0
  let opening: Promise<FileHandle> | undefined

  const use = async <T>(work: (file: FileHandle) => Promise<T>): Promise<T> => {
    try {
      opening ??= openNameless(folder)
      return await work(await opening)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      const advice = 'set TMPDIR to a folder with room, or run without folding'
      throw new StokerError('INTERNAL', folder, `cannot keep long output in ${folder}: ${why}; ${advice}`, { cause })
    }
  }

  return {
    store: bytes =>
      use(async file => {
        const block = freed.pop() ?? blocks++
        for (let at = 0; at < bytes.length; ) {
          at += (await file.write(bytes, at, bytes.length - at, block * BLOCK_BYTES + at)).bytesWritten
        }
        return block
      }),
    load: (block, length) =>
      use(async file => {
        const bytes = Buffer.alloc(length)
        for (let at = 0; at < length; ) {
          const { bytesRead } = await file.read(bytes, at, length - at, block * BLOCK_BYTES + at)
          if (bytesRead === 0) throw new Error('the file is shorter than what was written')
          at += bytesRead
        }
        return bytes
      }),
    free(block) {
      freed.push(block)
    },
    async [Symbol.asyncDispose]() {
      // When the opening has failed there is nothing to close, and whoever wanted the file has had the error.
      await (await opening?.catch(() => undefined))?.close()
    },
  }
}

/** Its name is removed as soon as it is open, so that nothing stays behind however the program ends. */
const openNameless = async (folder: string): Promise<FileHandle> => {
  const own = await mkdtemp(join(folder, 'stoker-'))
  try {
    return await open(join(own, 'output'), 'wx+', 0o600)
  } finally {
    await rm(own, { recursive: true })
  }
}
