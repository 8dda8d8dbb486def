/** Noticing that files have changed, wherever they lie and however they are written. */
import { stat } from 'node:fs/promises'
import { type Abortable, pause } from './abortable.ts'

/** Milliseconds between two looks. */
const INTERVAL = 1_000

/**
 * Yields once when it looks, and whenever one of the files is another than before. It looks at times and sizes: notices of the
 * kernel miss what is written on another machine, and a folder which a configuration tool has replaced.
 */
export async function* fileChanges(paths: readonly string[], io: Abortable): AsyncGenerator<string> {
  const how = `the time of ${paths.join(' and ')}`
  let before = await look(paths)
  yield how
  for (;;) {
    await pause(INTERVAL, io)
    const now = await look(paths)
    if (now !== before) yield how
    before = now
  }
}

const look = async (paths: readonly string[]): Promise<string> => {
  const all = await Promise.all(
    paths.map(async path => {
      const found = await stat(path, { bigint: true }).catch(() => undefined) // gone, which is a change as well
      return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
    }),
  )
  return JSON.stringify(all)
}
