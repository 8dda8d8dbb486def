/**
 * The one error class. Branch on `code`, never on message text.
 *
 * A `StokerError` is thrown where a run cannot start, and carried inside an outcome where one target fails.
 */

/** What went wrong, grouped by the exit code it leads to (see `exitCodeOf`). */
export type ErrorCode =
  /** The command line is wrong: an unknown option, a bad number, a missing argument. */
  | 'USAGE'
  /** A configuration or inventory file is wrong; the message starts with `file:line:column`. */
  | 'CONFIG'
  /** A target expression cannot be parsed. */
  | 'EXPRESSION'
  /** An option of an actor is unknown, missing or of the wrong type. */
  | 'ACTOR_OPTION'
  /** No actor or action of that name. */
  | 'UNKNOWN_ACTION'
  /** No warehouse knows the name. */
  | 'UNKNOWN_NAME'
  /** The name is a node and a group. */
  | 'AMBIGUOUS_NAME'
  /** A group contains itself; the message shows the path. */
  | 'GROUP_CYCLE'
  /** A warehouse is broken: it could not be asked, or its answer makes no sense. */
  | 'WAREHOUSE_FAILED'
  /** The target could not be reached: refused, no route, no banner, lost before the command began. */
  | 'CONNECT_FAILED'
  /** The host key is not known, and the policy is to refuse. */
  | 'HOST_KEY_UNKNOWN'
  /** The host key differs from the known one, or is revoked. */
  | 'HOST_KEY_CHANGED'
  /** No key or agent identity was accepted. */
  | 'AUTH_FAILED'
  /** The connection was lost while the command ran: whether it finished is not known. */
  | 'CONNECTION_LOST'
  /** The command ended with a non-zero exit code or a signal. */
  | 'COMMAND_FAILED'
  /** A limit on time was reached. */
  | 'TIMED_OUT'
  /** The run was stopped. */
  | 'CANCELLED'
  /** The actor could not do its work on this target. */
  | 'ACTOR_FAILED'
  /** A signature, serial or expiry does not hold: the document or request is refused. */
  | 'UNTRUSTED'
  /** The agent's own folder cannot be used, or is damaged. */
  | 'AGENT_STATE'
  /** The pulley server says no. */
  | 'REFUSED'
  /** The pulley server's database cannot be used, or answers with what cannot be. */
  | 'STORE_FAILED'
  /** A service's new files are not fit, or could not be put in place; the live ones stay. */
  | 'RENDER_FAILED'
  /** Another run of the same kind is going on. */
  | 'LOCKED'
  /** A fault of the program itself. */
  | 'INTERNAL'

/** An error with a stable `code`, the `subject` it is about, and the underlying `cause` where there is one. */
export class StokerError extends Error {
  override readonly name = 'StokerError'
  readonly code: ErrorCode
  /** The node, group, file, option or expression the error is about. */
  readonly subject: string
  /** What differs from one target to the next (an address, a fingerprint), so that equal messages can be told once. */
  readonly detail: string | undefined

  /** `message` says what failed, on what, and what to try; it stands alone, without code or subject in front. */
  constructor(
    code: ErrorCode,
    subject: string,
    message: string,
    options?: { readonly cause?: unknown; readonly detail?: string | undefined },
  ) {
    super(message, options)
    this.code = code
    this.subject = subject
    this.detail = options?.detail
  }
}

/** Any thrown value as a `StokerError`; what is not one becomes `code` (default `INTERNAL`) with the original as cause. */
export const toStokerError = (thrown: unknown, subject: string, code: ErrorCode = 'INTERNAL'): StokerError =>
  thrown instanceof StokerError
    ? thrown
    : new StokerError(code, subject, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })

/** The exit code of a run which could not start: 2 for usage and configuration, 3 for names, 1 for the rest. */
export const exitCodeOf = (error: StokerError): 1 | 2 | 3 => {
  switch (error.code) {
    case 'USAGE':
    case 'CONFIG':
    case 'EXPRESSION':
    case 'ACTOR_OPTION':
    case 'UNKNOWN_ACTION':
      return 2
    case 'UNKNOWN_NAME':
    case 'AMBIGUOUS_NAME':
    case 'GROUP_CYCLE':
    case 'WAREHOUSE_FAILED':
      return 3
    default:
      return 1
  }
}

/** Whether a file operation failed because there is nothing of that name. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

/** Why something failed, for a message. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))
