/** Where a user's files belong: XDG Base Directory Specification 0.8. */
import { homedir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'

export type FolderKind = 'config' | 'data' | 'state' | 'cache'

/** Whose folders; unless given, those of whoever runs this. */
export interface UserPlace {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly home?: string
}

const FOLDERS: Readonly<Record<FolderKind, { readonly variable: string; readonly usual: string }>> = {
  config: { variable: 'XDG_CONFIG_HOME', usual: '.config' },
  data: { variable: 'XDG_DATA_HOME', usual: '.local/share' },
  state: { variable: 'XDG_STATE_HOME', usual: '.local/state' },
  cache: { variable: 'XDG_CACHE_HOME', usual: '.cache' },
}

/** The folder of all programs, an absolute path: below it, each has its own. It need not be there. */
export const userFolder = (kind: FolderKind, { env, home }: UserPlace = {}): string =>
  givenFolder(kind, env) ?? join(home ?? homeFolder(), FOLDERS[kind].usual)

/** What the environment says, if that counts: "All paths set in these environment variables must be absolute." */
export const givenFolder = (kind: FolderKind, env: UserPlace['env'] = process.env): string | undefined => {
  const given = env[FOLDERS[kind].variable]
  return given !== undefined && isAbsolute(given) ? given : undefined
}

/** `$HOME`, unless that is empty or relative; then what the system says of the user, and where it says nothing, `/`. */
export const homeFolder = (): string => [homeOf(homedir), homeOf(() => userInfo().homedir)].find(isAbsolute) ?? '/'

const homeOf = (read: () => string): string => {
  try {
    return read()
  } catch {
    return '' // a user whom the system does not know, as in a container
  }
}
