/**
 * The few lines of POSIX sh which every command is started through, so that nothing stays behind on the target.
 *
 * sshd makes the login shell a session leader, so all that a command starts, unless it leaves on purpose, is in the process
 * group `$$`. A watcher in the background reads the *lifeline*: a descriptor whose other end the client holds. A line on
 * it is a signal's name for the whole group. Its end means that the client is done or gone: then the group is ended if its
 * leader still runs (or if a signal was sent before), first with TERM, two seconds later with KILL. The command itself
 * replaces the shell, so its exit status reaches the client untouched.
 *
 * The scripts hold no newline, which csh as a login shell could not pass on.
 */
import { quoteForAnyShell } from '../../base/quote.ts'

/** Ends what is left of group $p. It runs in a session of its own, to see whether the group is empty. */
const FINISH =
  'kill -s 0 -- -$1 || exit 0; kill -s TERM -- -$1; kill -s CONT -- -$1; i=0; ' +
  'while [ $i -lt 10 ] && kill -s 0 -- -$1; do sleep 0.2 || sleep 1; i=$((i+1)); done; kill -s KILL -- -$1'

/** Obeys the lifeline on descriptor 3 on behalf of group $p. */
const WATCH =
  'trap "" TERM HUP INT PIPE; t=; while read -r s <&3; do t=$s; kill -s $s -- -$p; kill -s CONT -- -$p; done; ' +
  '[ "$t" ] || kill -s 0 $p || exit 0; ' +
  `command -v setsid && exec setsid /bin/sh -c "${FINISH.replaceAll(/[$"]/g, '\\$&')}" sh $p; ` +
  'kill -s TERM -- -$p; sleep 2; kill -s KILL -- -$p'

/** A server which does not make the shell a group leader is given one. */
const LEAD = 'kill -s 0 -- -$$ 2>/dev/null || exec setsid /bin/sh -c "eval \\"\\$1\\"" sh "$1"; '

// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
const RUN = 'exec "${SHELL:-/bin/sh}" -c "$l" 3<&-'

/**
 * The same for a client which is told exit codes but no signals: the shell stays until the command has ended, and gives 128
 * and the signal's number, as shells do. What it says about that itself is not the command's output.
 */
const RUN_AND_TELL =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
  'exec 4>&2 2>/dev/null; trap : HUP INT QUIT TERM; (exec "${SHELL:-/bin/sh}" -c "$l" 2>&4 3<&- 4>&-); exit $?'

// The line travels in the environment: in the watcher's arguments it would look to `pgrep -f` like the command itself.
const startWord = (script: string, word: string): string =>
  `exec env STOKER_LINE=${word} /bin/sh -c ${quoteForAnyShell('eval "$1"')} sh ` +
  quoteForAnyShell(`${LEAD}l=$STOKER_LINE; unset STOKER_LINE; ${script}`)

const start = (script: string, line: string): string => startWord(script, quoteForAnyShell(line))

const ANNOUNCE = `echo $$ >&2; read -r go || exit 255; ${RUN}`

const BY_INPUT = `exec 3<&0 </dev/null; p=$$; { ${WATCH}; } >/dev/null 2>&1 & ${RUN}`

/** Runs `line` with an empty standard input; the channel's own input is the lifeline. */
export const supervised = (line: string): string => start(BY_INPUT, line)

/** The same for a script which has the line as its second argument. */
export const SUPERVISED_ARGUMENT = startWord(BY_INPUT, '"$2"')

/** The same where the lifeline is already on descriptor 3, so that standard input is free for data. */
export const supervisedWithInput = (line: string): string => start(`p=$$; { ${WATCH}; } >/dev/null 2>&1 & ${RUN}`, line)

/**
 * Where a channel has no third descriptor: prints its process group on standard error and waits for one line on standard
 * input before it runs `line` with the rest. `lifeline` for that group is started on a second channel in between.
 */
export const announced = (line: string): string => start(ANNOUNCE, line)

/** The same for a script which has the line as its second argument. */
export const ANNOUNCED_ARGUMENT = startWord(ANNOUNCE, '"$2"')

/** As `supervised`, with the mark and the process group on standard error first, and with a signal told as an exit code. */
export const markedSupervised = (line: string, mark: string): string =>
  start(`echo ${mark} $$ >&2; exec 3<&0 </dev/null; p=$$; { ${WATCH}; } >/dev/null 2>&1 & ${RUN_AND_TELL}`, line)

/** As `markedSupervised`, of a line which watches over what it starts by itself; the channel's own input is the line's. */
export const marked = (line: string, mark: string): string => start(`echo ${mark} $$ >&2; ${RUN_AND_TELL}`, line)

/** As `announced`, with the mark in front of the process group, and with a signal told as an exit code. */
export const markedAnnounced = (line: string, mark: string): string =>
  start(`echo ${mark} $$ >&2; read -r go || exit 255; ${RUN_AND_TELL}`, line)

/** The watcher alone, for the second channel; says `ready` when it watches. `group` comes from `announced`. */
export const lifeline = (group: number): string =>
  `exec /bin/sh -c ${quoteForAnyShell(`exec 3<&0 </dev/null; p=${group}; echo ready; exec >/dev/null 2>&1; ${WATCH}`)}`
