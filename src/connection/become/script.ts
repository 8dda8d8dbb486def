/** The lines by which a command is run as somebody else: sudo or doas around the supervisor. Pure. */
import { quote, quoteForAnyShell } from '../../base/quote.ts'

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
  /** Whether the program may ask for a password, on standard input; only sudo does. */
  readonly asks: boolean
  /** What the other user's /bin/sh runs; `$2` is `line`. */
  readonly script: string
  readonly line: string
}

/** Gives the command the language of the login user back, and a folder where the other user can be. */
const SETTLE = '[ "$3" ] && LC_ALL=$3 || unset LC_ALL; SHELL=$1; export SHELL; cd . 2>&- || cd /'

/**
 * A line for any login shell. Whoever is that user already needs neither program. The login user's shell runs the command,
 * whoever it becomes: what is typed means the same, and many a service's account has a shell which refuses to be one. What
 * sudo says is in English, so that it can be recognised.
 */
export const becomeLine = (
  { user, method, asks, script, line }: BecomeLine,
  { prompt, ready }: BecomeMarks,
): string => {
  const run = '/bin/sh -c "$1" sh "$SHELL" "$2" "$l"'
  const outer = [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
    'l=${LC_ALL-}; LC_ALL=C; export LC_ALL',
    `[ "$(id -un)" = ${quote(user)} ] && exec ${run}`,
    `[ "$(command -v ${method})" ] || { echo "there is no ${method} on it" >&2; exit 127; }`,
    `exec ${method} ${method === 'sudo' ? `-H ${asks ? `-S -p ${prompt}` : '-n'}` : '-n'} -u ${quote(user)} -- ${run}`,
  ].join('; ')
  const inner = `echo ${ready} >&2; ${SETTLE}; ${script}`
  return `exec /bin/sh -c ${[outer, 'sh', inner, line].map(quoteForAnyShell).join(' ')}`
}
