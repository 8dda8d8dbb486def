/** Where the configuration is. */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { userFolder } from '../base/folders.ts'

export interface SearchPaths {
  /** What `--config` says. */
  readonly flag: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string
  /** Where the system's configurations are; `/etc` unless given. */
  readonly etc?: string
}

/**
 * The path of the configuration to use: `--config`, `$STOKER_CONFIG`, `./stoker.yaml`, `$XDG_CONFIG_HOME/stoker/stoker.yaml`
 * (default `~/.config`), `/etc/stoker/stoker.yaml`; `undefined` when there is none. One which is asked for by name is not
 * looked for: reading it shows whether it is there.
 *
 * A configuration can name code to load. So one which merely lies in the current folder is refused with `CONFIG` when
 * anybody may write there, such as in /tmp.
 */
export const findConfig = async (where: SearchPaths, io: Abortable): Promise<string | undefined> => {
  const { flag, env, cwd, home, etc = '/etc' } = where
  if (flag !== undefined) return flag
  if (env.STOKER_CONFIG) return env.STOKER_CONFIG
  const here = join(cwd, 'stoker.yaml')
  if (await exists(here, io)) {
    await refusePublic(here, io)
    return here
  }
  for (const folder of [userFolder('config', { env, home }), etc]) {
    const path = join(folder, 'stoker', 'stoker.yaml')
    if (await exists(path, io)) return path
  }
  return undefined
}

/** Anything but "there is none" counts as there: reading it then says what is wrong. */
const exists = async (path: string, { signal }: Abortable): Promise<boolean> => {
  signal.throwIfAborted()
  try {
    await stat(path)
    return true
  } catch (thrown) {
    return !['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')
  }
}

const refusePublic = async (path: string, { signal }: Abortable): Promise<void> => {
  for (const place of [path, dirname(path)]) {
    signal.throwIfAborted()
    const { mode } = await stat(place)
    if ((mode & 0o002) === 0) continue
    const message = `${path}: not used, because anybody may write to ${place === path ? 'it' : 'its folder'}; name it with --config if you trust it`
    throw new StokerError('CONFIG', path, message)
  }
}
