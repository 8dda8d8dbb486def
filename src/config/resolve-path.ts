/** Paths as people write them in a configuration. Pure. */
import { join, resolve } from 'node:path'

/** `~` and `~/...` start at home, relative paths at the folder of the file in which they stand. */
export const resolvePath = (text: string, folder: string, home: string): string => {
  if (text === '~') return home
  return text.startsWith('~/') ? join(home, text.slice(2)) : resolve(folder, text)
}
