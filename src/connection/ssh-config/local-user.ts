import { userInfo } from 'node:os'
import { homeFolder } from '../../base/folders.ts'

/** Who runs this, as the password database has it: like ssh, `$HOME` and `$USER` do not count while there is an entry. */
export const localUser = (): { readonly user: string; readonly home: string; readonly uid: number } => {
  try {
    const { username, homedir: home, uid } = userInfo()
    return { user: username, home, uid }
  } catch {
    // A container's user may have no entry: the environment is all there is.
    const uid = process.getuid?.() ?? -1
    return { user: process.env.USER ?? String(uid), home: homeFolder(), uid }
  }
}
