/** `--become`: as whom a run acts on its targets, and where the password for that comes from. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { isBecomeUser } from '../../base/names.ts'
import { askSecret } from '../../cli/prompts/ask-secret.ts'
import type { BecomeSettings } from '../../config/config.ts'
import { firstLine, printedBy, readPrivate } from '../../config/secret-source.ts'
import { becomingConnector } from '../../connection/become/become.ts'
import { becomePassword } from '../../connection/become/password.ts'
import type { BecomeMethod } from '../../connection/become/script.ts'
import type { Connector } from '../../connection/connection.ts'

/** The options of a command which can act as another user. */
export interface BecomeFlags {
  /** `true` or empty: as the configuration says, and root where it says nothing. */
  readonly become?: boolean | string
  readonly becomeMethod?: BecomeMethod
  /** Holds the password; for its owner alone. */
  readonly becomePasswordFile?: string
  /** Ask for the password before anything begins, and not only when a target wants it. */
  readonly askBecomePass?: boolean
}

/**
 * The connector as another user's, where that is wanted; else itself. Reads a file with the password, or asks for it where that
 * was wished for; else nobody is asked until a target wants it. Throws `USAGE` or `CONFIG`.
 */
export const becomeConnector = async (
  connector: Connector,
  flags: BecomeFlags,
  settings: BecomeSettings,
  io: Abortable,
): Promise<Connector> => {
  const { become = false, becomePasswordFile, askBecomePass } = flags
  if (become === false) {
    const needless = BECOME_OPTIONS.find(([name]) => flags[name] !== undefined)
    if (needless) throw new StokerError('USAGE', needless[1], `${needless[1]} counts together with --become only`)
    return connector
  }
  const user = become === true || become === '' ? settings.user : become
  if (!isBecomeUser(user))
    throw new StokerError('USAGE', '--become', `--become: ${JSON.stringify(user)} is no user name`)
  const method = flags.becomeMethod ?? settings.method
  const ask = () => askFor(method, io)
  const file = becomePasswordFile ?? settings.passwordFile
  const known = askBecomePass
    ? await ask()
    : file !== undefined
      ? firstLine(await readPrivate(file, io), file)
      : undefined
  const command = settings.passwordCommand
  const later = command ? async () => firstLine(await printedBy(command, settings.folder, io), command[0] ?? '') : ask
  return becomingConnector(connector, { user, method, password: becomePassword(method, known ?? later) })
}

const BECOME_OPTIONS = [
  ['becomeMethod', '--become-method'],
  ['becomePasswordFile', '--become-password-file'],
  ['askBecomePass', '--ask-become-pass'],
] as const

const askFor = async (method: BecomeMethod, io: Abortable): Promise<string> => {
  const answer = await askSecret(`Password for ${method} on the targets: `, io)
  if (answer) return answer
  const why = answer === undefined ? 'there is nobody to ask on a terminal' : 'none was given'
  throw new StokerError(
    'ACTOR_FAILED',
    method,
    `${method} wants a password, and ${why}: use --become-password-file, or password-command of the configuration`,
  )
}
