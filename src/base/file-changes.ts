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
  const basis = `the time of ${paths.join(' and ')}`
  let before = await fingerprint(paths)
  yield basis
  for (;;) {
    await pause(INTERVAL, io)
    const now = await fingerprint(paths)
    if (now !== before) yield basis
    before = now
  }
}

const fingerprint = async (paths: readonly string[]): Promise<string> => {
  const all = await Promise.all(
    paths.map(async path => {
      const found = await stat(path, { bigint: true }).catch(() => undefined) // gone, which is a change as well
      return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
    }),
  )
  return JSON.stringify(all)
}
