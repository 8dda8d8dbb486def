/** Where ClusterShell's configuration files are. */
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { homeFolder, userFolder } from '../../base/folders.ts'

/** The places of a file, those which count more at the end: the system's, the user's, and `$CLUSTERSHELL_CFGDIR`. */
export const clustershellFiles = (name: string, env: Readonly<Record<string, string | undefined>>): readonly string[] =>
  [
    '/etc/clustershell',
    join(homeFolder(), '.local/etc/clustershell'),
    join(userFolder('config', { env }), 'clustershell'),
    ...(env.CLUSTERSHELL_CFGDIR ? [env.CLUSTERSHELL_CFGDIR] : []),
  ].map(folder => join(folder, name))

/** The file which counts most of those which there are. */
export const clustershellFile = async (
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> => {
  for (const path of clustershellFiles(name, env).toReversed()) {
    const isThere = await access(path, constants.R_OK).then(
      () => true,
      () => false, // the next place may have it
    )
    if (isThere) return path
  }
  return undefined
}
