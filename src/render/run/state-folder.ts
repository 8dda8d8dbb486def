/** Where a render keeps what it has to remember: its lock, the last versions, the pending reload. Pure. */
import { join } from 'node:path'
import { givenFolder, userFolder } from '../../base/folders.ts'

export interface StateEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly isRoot: boolean
}

/**
 * `$XDG_STATE_HOME/stoker/render/NAME`; unless that is set, root's is below `/var/lib`, where a service's start finds it
 * as well as a person does, and anybody else's below `~/.local/state`.
 */
export const stateFolder = (name: string, { isRoot, ...user }: StateEnvironment): string => {
  const state = isRoot ? (givenFolder('state', user.env) ?? '/var/lib') : userFolder('state', user)
  return join(state, 'stoker', 'render', name)
}
