/** Input for a command: as fast as it reads, and no fuss when it stops reading. */
import type { Writable } from 'node:stream'

/**
 * Sends the source into a command's standard input and ends it, also when the source fails: who must know that all has
 * arrived says so in the data, as `writeFileOver` does. A command may end without having read everything (`head -1` does),
 * which breaks the pipe: that is no error, its exit code tells how it went.
 */
export const feed = (source: AsyncIterable<Uint8Array>, stdin: Writable): void => {
  stdin.on('error', () => {})
  send(source, stdin).then(
    () => stdin.end(),
    () => stdin.end(),
  )
}

const send = async (source: AsyncIterable<Uint8Array>, stdin: Writable): Promise<void> => {
  for await (const chunk of source) {
    if (!stdin.writable) return
    if (!stdin.write(chunk)) await room(stdin)
  }
}

/** Resolves when there is room for more, or nobody reads any more. */
const room = (stdin: Writable): Promise<void> =>
  new Promise(resolve => {
    const settle = () => {
      for (const event of ['drain', 'close', 'error']) stdin.off(event, settle)
      resolve()
    }
    for (const event of ['drain', 'close', 'error']) stdin.on(event, settle)
  })
