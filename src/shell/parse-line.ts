/** What a line means which was typed into the shell. Pure. */

export type ShellLine =
  | { readonly kind: 'nothing' }
  /** Runs on every target. */
  | { readonly kind: 'command'; readonly line: string }
  /** Runs here. */
  | { readonly kind: 'local'; readonly line: string }
  /** Another set of targets: more of them, fewer, or others. */
  | { readonly kind: 'targets'; readonly change: '+' | '-' | '='; readonly text: string }
  /** Whoever is not connected is tried again, now. */
  | { readonly kind: 'reconnect' }
  /** From lines to folded output, or back. */
  | { readonly kind: 'fold' }
  | { readonly kind: 'help' }
  | { readonly kind: 'leave' }
  /** Nothing was meant by it that can be done; `why` says what to type instead. */
  | { readonly kind: 'wrong'; readonly why: string }

const LEAVE = ['quit', 'exit']

/** The first character decides, as in clush(1); spaces around the line count for nothing. */
export const parseLine = (text: string): ShellLine => {
  const line = text.trim()
  const rest = line.slice(1).trim()
  if (line === '') return { kind: 'nothing' }
  if (line.includes('\0')) return { kind: 'wrong', why: 'a command cannot have a null byte in it' }
  if (LEAVE.includes(line)) return { kind: 'leave' }
  switch (line[0]) {
    case '?':
      return { kind: 'help' }
    case '!':
      return rest === '' ? { kind: 'wrong', why: '! needs a command, which runs here: !uptime' } : local(rest)
    case '+':
      return rest === '' ? { kind: 'reconnect' } : { kind: 'targets', change: '+', text: rest }
    case '=':
      return rest === '' ? { kind: 'fold' } : { kind: 'targets', change: '=', text: rest }
    case '-':
      return rest === ''
        ? { kind: 'wrong', why: '- needs targets, which are left out from now on: -web3' }
        : { kind: 'targets', change: '-', text: rest }
    case '@':
      return { kind: 'wrong', why: `no command begins with @; to go on with these targets type =${line}` }
    default:
      return { kind: 'command', line }
  }
}

const local = (line: string): ShellLine => ({ kind: 'local', line })

/** Whether a line may be kept: as in other shells, one which begins with a space is nobody's business. */
export const isKept = (text: string): boolean => text.trim() !== '' && !text.startsWith(' ')

/** What can be typed, for `?`. */
export const HELP = `  COMMAND    run it on every target
  +TARGETS   widen the set            -TARGETS   narrow it
  =TARGETS   go on with these only    +          try those again which are not connected
  =          fold equal output, or show lines again
  !COMMAND   run it here              ?          this help
  quit       leave, as Ctrl-D does    Ctrl-C     stop the command on all targets
A line which begins with a space is not kept anywhere.`
