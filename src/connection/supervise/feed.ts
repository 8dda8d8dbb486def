/** Input for a command: as fast as it reads, and no fuss when it stops reading. */
import type { Writable } from 'node:stream'
import { spend } from '../../base/young-generation.ts'

/**
 * Sends the source into a command's standard input and ends it, also when the source fails: who must know that all has
 * arrived says so in the data, as `writeFileOver` does. A command may end without having read everything (`head -1` does),
 * which breaks the pipe: that is no error, its exit code shows how it went.
 */
export const feed = (source: AsyncIterable<Uint8Array>, stdin: Writable): void => {
  stdin.on('error', () => {})
  send(source, stdin).then(
    () => stdin.end(),
    () => stdin.end(),
  )
}

/** One piece at a time: its memory may be the source's for the next one, and what waits for each target adds up. */
const send = async (source: AsyncIterable<Uint8Array>, stdin: Writable): Promise<void> => {
  // A channel of ssh2 stays writable when its connection is lost, and never reports what became of the chunk.
  let closed = false
  stdin.once('close', () => {
    closed = true
  })
  for await (const chunk of source) {
    if (closed || !stdin.writable) return
    await taken(stdin, chunk)
    spend(chunk.length)
  }
}

/** Writes, and resolves when nothing of it is needed here any more, or nobody reads any more. */
const taken = (stdin: Writable, chunk: Uint8Array): Promise<void> =>
  new Promise(resolve => {
    const settle = () => {
      stdin.off('close', settle)
      resolve()
    }
    stdin.once('close', settle)
    stdin.write(chunk, settle)
  })
