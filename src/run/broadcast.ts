/** Standard input for every target: read once, kept in an unlinked file, replayed from its beginning for each. */
import { fstatSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

export interface Broadcast extends AsyncDisposable {
  /** The whole input, from its beginning; follows the source as it comes. */
  open(): AsyncIterable<Uint8Array>
  /** Waits until something has come, or the end. */
  isEmpty(): Promise<boolean>
  /** Whether its end has come, and nothing before it; `false` also while nobody has read it. */
  readonly wasEmpty: boolean
}

const CHUNK = 64 * 1024

/** Whether something was piped or redirected into this program, other than a terminal or /dev/null. */
export const hasInput = (): boolean => {
  try {
    const input = fstatSync(0)
    return input.isFIFO() || input.isFile() || input.isSocket()
  } catch {
    // A program may be started without a standard input at all; then there is none.
    return false
  }
}

/** Reads the source no further than the fastest reader, so an endless one does no harm. Disposing it ends the source. */
export const broadcast = (source: Readable): Broadcast => {
  let file: Promise<FileHandle> | undefined
  let kept = 0
  let ended = false
  let pulling: Promise<void> | undefined
  const chunks = source[Symbol.asyncIterator]()

  const pull = async (): Promise<void> => {
    const next = await chunks.next()
    if (next.done) ended = true
    else {
      file ??= unlinkedFile()
      const data: Uint8Array = next.value
      await (await file).write(data, 0, data.length, kept)
      kept += data.length
    }
    pulling = undefined
  }

  return {
    async *open() {
      let position = 0
      for (;;) {
        while (position === kept && !ended) {
          pulling ??= pull()
          await pulling
        }
        if (position === kept || !file) return
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK, kept - position))
        const { bytesRead } = await (await file).read(buffer, 0, buffer.length, position)
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    },
    async isEmpty() {
      while (kept === 0 && !ended) {
        pulling ??= pull()
        await pulling
      }
      return kept === 0
    },
    get wasEmpty() {
      return ended && kept === 0
    },
    async [Symbol.asyncDispose]() {
      source.destroy()
      await (await file)?.close()
    },
  }
}

/** A file which nobody else can open and which is gone with its descriptor, however this program ends. */
const unlinkedFile = async (): Promise<FileHandle> => {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-'))
  try {
    return await open(join(folder, 'input'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
}
