/**
 * The few lines of POSIX sh which every command is started through, so that nothing stays behind on the target.
 *
 * sshd makes the login shell a session leader, so all that a command starts, unless it leaves on purpose, is in the process
 * group `$$`. A watcher in the background reads the *lifeline*: a descriptor whose other end the client holds. A line on
 * it is a signal's name for the whole group. Its end means that the client is done or gone: then the group is ended if its
 * leader still runs (or if a signal was sent before), first with TERM, two seconds later with KILL. The command itself
 * replaces the shell, so its exit status reaches the client untouched.
 *
 * The scripts hold no newline, which csh as a login shell could not pass on. They read /dev/null and never write it, so that
 * they run, and whoever looks for the fault can, where the user must not: what is not to be seen goes to a descriptor which
 * is open for reading only, or closed.
 */
import { randomBytes } from 'node:crypto'
import { quoteForAnyShell } from '../../base/quote.ts'
import { loginLine, startLine } from './start-mark.ts'

/** Ends what is left of group $p. It runs in a session of its own, to see whether the group is empty. */
const FINISH =
  'kill -s 0 -- -$1 || exit 0; kill -s TERM -- -$1; kill -s CONT -- -$1; i=0; ' +
  'while [ $i -lt 10 ] && kill -s 0 -- -$1; do sleep 0.2 || sleep 1; i=$((i+1)); done; kill -s KILL -- -$1'

/** Obeys the lifeline on descriptor 3 on behalf of group $p. */
const WATCH =
  'trap "" TERM HUP INT PIPE; t=; while read -r s <&3; do t=$s; kill -s $s -- -$p; kill -s CONT -- -$p; done; ' +
  '[ "$t" ] || kill -s 0 $p || exit 0; ' +
  `[ "$(command -v setsid)" ] && exec setsid /bin/sh -c "${FINISH.replaceAll(/[$"]/g, '\\$&')}" sh $p; ` +
  'kill -s TERM -- -$p; sleep 2; kill -s KILL -- -$p'

/** The watcher beside the command. It keeps none of the command's descriptors. */
const WATCH_BESIDE = `p=$$; { ${WATCH}; } </dev/null >&0 2>&0 & `

/** A server which does not make the shell a group leader is given one, once: whatever is wrong then, the next is no better. */
const LEAD = '[ "$2" ] || kill -s 0 -- -$$ 2>&- || exec setsid /bin/sh -c "eval \\"\\$1\\"" sh "$1" led; '

/** What is to be run under supervision. */
export interface Supervised {
  readonly line: string
  /** Whether the user's login shell runs the line; else it is /bin/sh. */
  readonly login: boolean
  /** Tells where the command's own output begins: see `afterMark`. */
  readonly mark: string
}

const say = (line: string): string => `echo ${line}; echo ${line} >&2`

/** Becomes the command. A login shell says itself when it is done with its start-up files; csh cannot write to standard error. */
const become = ({ login, mark }: Omit<Supervised, 'line'>): string => {
  if (!login) return 'exec /bin/sh -c "$l"'
  const own = say(loginLine(mark))
  return (
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
    'case ${SHELL##*/} in ' +
    `*csh) l="sh -c '${own}'; $l";; *) l="${own}; $l";; esac; ` +
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
    'exec "${SHELL:-/bin/sh}" -c "$l"'
  )
}

const run = (command: Omit<Supervised, 'line'>): string => `${say(startLine(command.mark))}; ${become(command)} 3<&-`

/**
 * The same for a client which is told exit codes but no signals: the shell stays until the command has ended, and gives 128
 * and the signal's number, as shells do. What it says about that itself is not the command's output.
 */
const runAndTell = (command: Omit<Supervised, 'line'>): string =>
  `${say(startLine(command.mark))}; exec 4>&2 2>&-; trap : HUP INT QUIT TERM; (${become(command)} 2>&4 3<&- 4>&-); exit $?`

/** Gets the line as it was: csh passes on no newline, so one which has some is escaped on its way. */
const escaped = (line: string): string => line.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
const UNESCAPE = 'l=$(printf "%bx" "$l"); l=${l%x}; '

/** A line as one word for any login shell, and what makes it of that word again. */
const packed = (line: string): { readonly word: string; readonly unpack: string } =>
  line.includes('\n') ? { word: escaped(line), unpack: UNESCAPE } : { word: line, unpack: '' }

/** Bytes which a line takes in the words that the login shell reads. */
export const lengthOnTheWay = (line: string): number => Buffer.byteLength(quoteForAnyShell(packed(line).word))

// The line travels in the environment: in the watcher's arguments it would look to `pgrep -f` like the command itself.
const startWord = (script: string, word: string): string =>
  `exec env STOKER_LINE=${word} /bin/sh -c ${quoteForAnyShell('eval "$1"')} sh ` +
  quoteForAnyShell(`${LEAD}l=$STOKER_LINE; unset STOKER_LINE; ${script}`)

const start = (script: string, line: string): string => {
  const { word, unpack } = packed(line)
  return startWord(unpack + script, quoteForAnyShell(word))
}

/** A script which has the packed line as its second argument. */
const startArgument = (script: string, line: string): SupervisedArgument => {
  const { word, unpack } = packed(line)
  return { script: startWord(unpack + script, '"$2"'), argument: word }
}

/** For whoever starts a script with an argument of its own. */
export interface SupervisedArgument {
  readonly script: string
  /** Its `$2`. */
  readonly argument: string
}

const announce = (mark: string): string => `echo ${mark} $$ >&2; `

const onceWatched = (mark: string): string => `${announce(mark)}read -r go || exit 255; `

const WITHOUT_INPUT = `exec 3<&0 </dev/null; ${WATCH_BESIDE}`

/** A word which nobody else says: whatever a start-up file prints is not taken for what the supervisor does. */
export const newMark = (): string => `stoker-${randomBytes(8).toString('hex')}`

/** What stands on standard error when a command is announced by that mark; the first group is the process group. */
export const announcement = (mark: string): RegExp => new RegExp(`${mark} (\\d+)\\n`)

/** What stands on the standard output of a `lifeline` with that mark once it watches. */
export const watching = (mark: string): RegExp => new RegExp(`${mark} (watches)\\n`)

/** Runs the line with an empty standard input; the channel's own input is the lifeline. */
export const supervised = (command: Supervised): string => start(WITHOUT_INPUT + run(command), command.line)

/** The same as a script with an argument. */
export const supervisedArgument = (command: Supervised): SupervisedArgument =>
  startArgument(WITHOUT_INPUT + run(command), command.line)

/**
 * The same where the lifeline is already on descriptor 3, so that standard input is free for data. Without a /dev/null to read
 * there could be no watcher; then there is no command either.
 */
export const supervisedWithInput = (command: Supervised): string =>
  start(`: </dev/null; ${WATCH_BESIDE}${run(command)}`, command.line)

/**
 * Where a channel has no third descriptor: announces its process group on standard error and waits for one line on standard
 * input before it runs the line with the rest. `lifeline` for that group is started on a second channel in between.
 */
export const announced = (command: Supervised): string => start(onceWatched(command.mark) + run(command), command.line)

/** The same as a script with an argument. */
export const announcedArgument = (command: Supervised): SupervisedArgument =>
  startArgument(onceWatched(command.mark) + run(command), command.line)

/** As `supervised`, announced first, and with a signal told as an exit code. */
export const markedSupervised = (command: Supervised): string =>
  start(announce(command.mark) + WITHOUT_INPUT + runAndTell(command), command.line)

/** As `markedSupervised`, of a line which watches over what it starts by itself; the channel's own input is the line's. */
export const marked = (command: Supervised): string => start(announce(command.mark) + runAndTell(command), command.line)

/** As `announced`, with a signal told as an exit code. */
export const markedAnnounced = (command: Supervised): string =>
  start(onceWatched(command.mark) + runAndTell(command), command.line)

/** The watcher alone, for the second channel; says `watching`. `group` comes from the announcement. */
export const lifeline = (group: number, mark: string): string =>
  `exec /bin/sh -c ${quoteForAnyShell(`exec 3<&0 </dev/null; p=${group}; echo ${mark} watches; exec >&0 2>&0; ${WATCH}`)}`
