/**
 * What an agent does whose server says that it is a clone: it looks for itself, and becomes a node of its own. How two machines
 * are distinguished is in `protocol/clones.ts`, where the server says so in `server/clones.ts`.
 */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import { isClone } from '../protocol/clones.ts'
import type { Fingerprint } from '../protocol/messages.ts'
import { enrol } from './enrol.ts'
import type { AgentIdentity } from './state/agent-identity.ts'
import type { Folder } from './state/folder.ts'

/** Throws `UNTRUSTED` unless the machine is another one: a server which could call any a clone could make it forget what it has seen and done. */
export const confirmClone = (enrolled: Fingerprint, now: Fingerprint): void => {
  if (isClone(enrolled, now)) return
  throw new StokerError(
    'UNTRUSTED',
    'clone',
    "the server says that this machine is a clone of the one which enrolled, but it is that one; nothing is changed (if it is not: 'pulley enrol --anew')",
  )
}

/**
 * Forgets what the folder holds of the node which it was copied from, and enrols the machine as a new one, with the VO's key as
 * it is pinned. Throws `CONNECT_FAILED` when it can be tried again, `AGENT_STATE` without a token, and what `enrol` throws.
 */
export const enrolClone = async (folder: Folder, self: AgentIdentity, io: Abortable): Promise<void> => {
  const { tokenFile, servers, vo, ca, node, voKey, formerKeys } = self.identity
  const clone = `this machine is a clone of node ${node}`
  if (tokenFile === undefined)
    throw new StokerError('AGENT_STATE', node, `${clone}, and there is no token to enrol anew with`)
  // What the other has done, or has still to report, is not this one's.
  for (const name of ['actions', 'reports', 'last-report.json']) await folder.remove(name)
  try {
    const pinned = { voKey, formerKeys }
    self.replace(await enrol(folder, { servers, vo, tokenFile, ca, cloneOf: node, pinned }, io))
  } catch (thrown) {
    const { code, subject, message } = toStokerError(thrown, 'enrol')
    throw new StokerError(code, subject, `${clone}, and cannot enrol anew: ${message}`, { cause: thrown })
  }
  for (const name of ['bundles', 'undo']) await folder.remove(name)
}
