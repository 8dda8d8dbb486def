/** Many small scripts as one, which keeps what each of them writes apart. See `Frames` for what it prints. Pure. */
import { quote } from '../base/quote.ts'

/** One script of a batch. */
export interface BatchStep {
  readonly script: string
  /** Whether its output is for people to see as it comes: then its language stays that of the login user. */
  readonly show: boolean
}

/** Ends a library; see `withLibrary`. */
const LIBRARY_END = '\n#;\n'

/** A script which begins with functions that many scripts share; in a batch these travel once. */
export const withLibrary = (library: string, script: string): string => `${library}${LIBRARY_END}${script}`

/**
 * What a shell runs once, before its first batch: programs of the administrator are found, new files are for everybody to
 * read; `$_m` is the mark, made where no list of processes shows it; `$_me` is the login user's number. `mark` is for
 * a target without /dev/urandom or od. Names begin with an underscore, to be in nobody's way. Where /dev/null cannot be written
 * the shell ends here and says so: most scripts write there, and would take what then fails for an answer.
 */
export const shellPrelude = (mark: string): string =>
  [
    ': >/dev/null',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
    'PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin; export PATH; umask 022; unset CDPATH ENV',
    "_m=$(od -An -N16 -tx1 /dev/urandom 2>/dev/null | tr -d ' \\n')",
    `[ \${#_m} -eq 32 ] || _m=${mark}`,
    '_me=$(id -u); _c="LC_ALL=C; export LC_ALL; "',
    `_p() { printf '%s %s\\n' $1 $2; printf '%s %s\\n' $1 $2 >&2; }`,
  ].join('\n')

/** The batch itself; it leaves the shell as it was. `stop`: whether the first script which fails is the last one. */
export const batchScript = (steps: readonly BatchStep[], nonce: string, stop: boolean): string => {
  const libraries: string[] = []
  const runs = steps.map(({ script, show }, index) => {
    const end = script.indexOf(LIBRARY_END)
    const library = end < 0 ? '' : script.slice(0, end + LIBRARY_END.length)
    if (library !== '' && !libraries.includes(library)) libraries.push(library)
    const before = `${show ? '' : '$_c'}${library === '' ? '' : `$_l${libraries.indexOf(library)}`}`
    // One word of two parts: even where a split falls within a quoted text, the script is as it was.
    const run = `(eval ${before === '' ? '' : `"${before}"`}${quote(script.slice(library.length))}) </dev/null; _r=$?; _p $_m $_r`
    return stop && index < steps.length - 1 ? `${run}; [ $_r -eq 0 ] || break` : run
  })
  return [
    ...libraries.map((library, index) => `_l${index}=${quote(library)}`),
    `_p ${nonce} $_m`,
    // A loop that runs once, to be left early.
    'while :; do',
    ...runs,
    'break; done',
    '_p $_m end',
  ].join('\n')
}

/** A text which the shell has to have read to its end before it runs any of it, so that a lost connection cuts nothing short. */
export const compoundCommand = (text: string): string => `{\n${text}\n}\n`
