/** Input for a command: as fast as it reads, and no fuss when it stops reading. */
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * Sends the source into a command's standard input and ends it. A command may end without having read everything (`head
 * -1` does), which breaks the pipe: that is no error, its exit code tells how it went. Who must know that all has arrived
 * says so in the data, as `writeFileOver` does.
 */
export const feed = (source: AsyncIterable<Uint8Array>, stdin: Writable): void => {
  pipeline(source, stdin).catch(() => stdin.destroy())
}
