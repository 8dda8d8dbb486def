/** Where copies are kept. Pure. */
import { createHash } from 'node:crypto'
import { isAbsolute, join } from 'node:path'

export interface Whereabouts {
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
  { env, home, config }: Whereabouts,
): string => {
  // The XDG base directory specification: a relative path in it is to be ignored.
  const xdg = env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(home, '.cache')
  const identity = createHash('sha256')
    .update(JSON.stringify([config, kind, options]))
    .digest('hex')
    .slice(0, 16)
  return join(xdg, 'stoker', `${name}-${identity}.json`)
}
