/** How clush(1) writes: labels, headers, and what is told of exit codes. Pure, but for the names of groups. */
import type { Output } from '../../../connection/connection.ts'
import { fold } from '../../../nodeset/fold.ts'

/** `0`: only what matters (`-q`); `1`: as usual; `2`: more (`-v`); `3`: all (`-d`). */
export type Verbosity = 0 | 1 | 2 | 3

export interface ClushFormat {
  readonly verbosity: Verbosity
  /** `false` (`-N`): no names. */
  readonly label: boolean
  readonly colour: boolean
  /** Whether headers tell how many nodes they stand for. */
  readonly counts: boolean
  /** Whether the exit code is the commands' own (`-S`); then `-q` does not tell those. */
  readonly worst: boolean
  /** The nodes as one text; absent: folded. With `-r`, groups stand for their nodes. */
  readonly regroup?: (names: readonly string[]) => Promise<string>
}

const COLOURS: Record<Output['stream'], string> = { stdout: '\u001b[94m', stderr: '\u001b[91m' }
const RESET = '\u001b[0m'
const RULE = '-'.repeat(15)

const painted = (text: string, stream: Output['stream'], { colour }: ClushFormat): string =>
  colour ? `${COLOURS[stream]}${text}${RESET}` : text

/** What stands before each line of one node, or of several. */
export const lineLabel = (name: string, stream: Output['stream'], format: ClushFormat): string =>
  format.label ? painted(`${name}: `, stream, format) : ''

/** What stands over the output of some nodes, with its line feed; empty without labels. */
export const header = async (names: readonly string[], format: ClushFormat): Promise<string> =>
  format.label ? `${painted(`${RULE}\n${await counted(names, format)}\n${RULE}`, 'stdout', format)}\n` : ''

/** The nodes, and how many they are when more than one. */
export const counted = async (names: readonly string[], format: ClushFormat): Promise<string> => {
  const count = format.verbosity >= 1 && format.counts && names.length > 1 ? ` (${names.length})` : ''
  return `${await namesOf(names, format)}${count}`
}

export const namesOf = async (names: readonly string[], { regroup }: ClushFormat): Promise<string> =>
  regroup ? await regroup(names) : fold(names)

/** Lines of a difference, in colours where those are wished for. */
export const paintedDiff = (line: string, { colour }: ClushFormat): string => {
  if (!colour) return line
  if (/^(?:---|\+\+\+)/.test(line)) return `\u001b[1m${line}${RESET}`
  const paint = { '@@': '\u001b[96m', '+': COLOURS_OF_DIFF.added, '-': COLOURS_OF_DIFF.removed }
  const [, sign] = /^(@@|[+-])/.exec(line) ?? []
  return sign === undefined ? line : `${paint[sign as keyof typeof paint]}${line}${RESET}`
}

const COLOURS_OF_DIFF = { added: '\u001b[92m', removed: '\u001b[91m' }

/** `clush: n[1-2]: exited with exit code 1`, with its line feed; empty where it is not to be told. */
export const exitedWith = (names: readonly string[], code: number, format: ClushFormat): string =>
  tells(format) ? `clush: ${fold(names)}${folded(names, format)}: exited with exit code ${code}\n` : ''

/** The same for nodes whose time was up. */
export const timedOut = (names: readonly string[], format: ClushFormat): string =>
  names.length > 0 && tells(format) ? `clush: ${fold(names)}: command timeout\n` : ''

const folded = (names: readonly string[], { verbosity }: ClushFormat): string =>
  verbosity > 0 && names.length > 1 ? ` (${names.length})` : ''

const tells = ({ worst, verbosity }: ClushFormat): boolean => !worst || verbosity > 0
