/** How an ssh(1) which was started for one target would have ended, as those tools tell it. Pure. */
import type { Outcome } from '../../run/outcome.ts'

export interface SshEnd {
  /** Its exit code; `undefined` where none was waited for: the time was up, or the run was stopped. */
  readonly code: number | undefined
  /** What it would have written on its standard error beside what the command did, without a line feed. */
  readonly says: string | undefined
}

/** What ssh(1) ends with when it is not the command which ended it. */
export const SSH_FAILED = 255

/** What scp(1) ends with. */
const COPY_FAILED = 1

export const sshEnd = (outcome: Outcome): SshEnd => {
  switch (outcome.kind) {
    case 'ok':
      return { code: 0, says: undefined }
    case 'failed': {
      const { exitCode, signal, error } = outcome
      if (exitCode !== undefined) return { code: exitCode, says: undefined }
      if (signal !== undefined) return { code: SSH_FAILED, says: undefined }
      return error.code === 'CONNECTION_LOST'
        ? { code: SSH_FAILED, says: told('ssh', error) }
        : { code: COPY_FAILED, says: told('stoker', error) }
    }
    case 'unreachable':
      return { code: SSH_FAILED, says: told('ssh', outcome.error) }
    case 'timed-out':
    case 'cancelled':
    case 'unknown':
    case 'not-started':
      return { code: undefined, says: undefined }
    default:
      throw new Error(`unknown outcome: ${outcome satisfies never}`)
  }
}

const told = (
  program: string,
  { message, detail }: { readonly message: string; readonly detail: string | undefined },
) => `${program}: ${message}${detail === undefined ? '' : ` (${detail})`}`.replaceAll(/\s*[\r\n]+\s*/g, ' ')
