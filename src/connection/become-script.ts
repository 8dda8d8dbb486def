/** The lines by which a command is run as somebody else: sudo or doas around the supervisor. Pure. */
import { quote, quoteForAnyShell } from './quote.ts'

/** The programs which can be asked. */
export const BECOME_METHODS = ['sudo', 'doas'] as const
export type BecomeMethod = (typeof BECOME_METHODS)[number]

/** What is written on standard error, and by nobody else. */
export interface BecomeMarks {
  /** By the program, when it wants the password on standard input. */
  readonly prompt: string
  /** By the other user, first of all; a line. */
  readonly ready: string
}

/** The marks made of a random word. */
export const marksOf = (nonce: string): BecomeMarks => ({ prompt: `${nonce}-password`, ready: `${nonce}-ready` })

export interface BecomeLine {
  readonly user: string
  readonly method: BecomeMethod
  /** What the other user's /bin/sh runs; `$2` is `line`. */
  readonly script: string
  readonly line: string
}

/**
 * A line for any login shell. Whoever is that user already needs neither program. The login user's shell runs the command,
 * whoever it becomes: what is typed means the same, and many a service's account has a shell which refuses to be one. The
 * folder stays, unless the other user cannot be there.
 */
export const becomeLine = ({ user, method, script, line }: BecomeLine, { prompt, ready }: BecomeMarks): string => {
  const inner = `echo ${ready} >&2; SHELL=$1; export SHELL; cd . 2>/dev/null || cd /; ${script}`
  const run = '/bin/sh -c "$1" sh "$SHELL" "$2"'
  const outer = [
    `[ "$(id -un)" = ${quote(user)} ] && exec ${run}`,
    `command -v ${method} >/dev/null || { echo "there is no ${method} on it" >&2; exit 127; }`,
    // doas asks on a terminal only, and there is none.
    method === 'sudo'
      ? `exec sudo -H -S -p ${prompt} -u ${quote(user)} -- ${run}`
      : `exec doas -n -u ${quote(user)} -- ${run}`,
  ].join('; ')
  return `exec /bin/sh -c ${[outer, 'sh', inner, line].map(quoteForAnyShell).join(' ')}`
}
