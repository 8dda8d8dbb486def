/** Where copies are kept. Pure. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { userFolder } from '../../base/folders.ts'

export interface CopyLocation {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** The configuration which the warehouse stands in, as an absolute path. */
  readonly config: string
}

/**
 * The file of a warehouse's copy, in `$XDG_CACHE_HOME/stoker` (by default `~/.cache/stoker`). A warehouse of another
 * configuration, of another kind or with other options has another file.
 */
export const copyPath = (
  name: string,
  kind: string,
  options: Readonly<Record<string, unknown>>,
  { env, home, config }: CopyLocation,
): string => {
  const identity = createHash('sha256')
    .update(JSON.stringify([config, kind, options]))
    .digest('hex')
    .slice(0, 16)
  return join(userFolder('cache', { env, home }), 'stoker', `${name}-${identity}.json`)
}
