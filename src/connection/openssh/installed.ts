/** What this machine has for the system's ssh to work with. */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Whether there is a program `ssh`, where it would be looked for. */
export const hasOpenssh = async (): Promise<boolean> => {
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    if (folder !== '' && (await may(join(folder, 'ssh'), constants.X_OK))) return true
  return false
}

/** Whether there is a Kerberos ticket, as far as one can see without asking Kerberos. */
export const hasTicket = async (): Promise<boolean> =>
  (process.env.KRB5CCNAME ?? '') !== '' || (await may(`/tmp/krb5cc_${process.getuid?.() ?? ''}`, constants.R_OK))

const may = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false, // not there, or not for us
  )
