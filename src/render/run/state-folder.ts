/** Where a render keeps what it has to remember: its lock, the last versions, the pending reload. Pure. */
import { isAbsolute, join } from 'node:path'

export interface StateEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly isRoot: boolean
}

/**
 * `$XDG_STATE_HOME/stoker/render/NAME`; unless that is set, root's is below `/var/lib`, where a service's start finds it
 * as well as a person does, and anybody else's below `~/.local/state`.
 */
export const stateFolder = (name: string, { env, home, isRoot }: StateEnvironment): string => {
  // The XDG base directory specification: a relative path in it is to be ignored.
  const given = env.XDG_STATE_HOME && isAbsolute(env.XDG_STATE_HOME) ? env.XDG_STATE_HOME : undefined
  return join(given ?? (isRoot ? '/var/lib' : join(home, '.local', 'state')), 'stoker', 'render', name)
}
