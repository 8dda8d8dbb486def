/** The command line of `stoker dshbak`: dshbak(1)'s flags. Pure. */

import type { DshbakOptions } from '../../commands/faces/dshbak/dshbak.ts'
import { dshbakError } from '../../commands/faces/dshbak/errors.ts'
import { getopt } from './getopt.ts'

const USAGE = `Usage: dshbak [OPTION]...
 -h       Display this help message
 -c       Coalesce identical output from hosts
 -d DIR   Send output to files in DIR, one file per host
 -f       With -d, force creation of DIR
`

/** The parsed command line, or the text of its help. Throws `USAGE` with what dshbak would say. */
export const parseDshbak = (argv: readonly string[]): DshbakOptions | { readonly help: string } => {
  const unknown = (problem: string) =>
    dshbakError('USAGE', `${problem.replace(/^invalid option -- '(.*)'$/, 'Unknown option: $1')}\n${USAGE.trimEnd()}`)
  const { flags, operands } = getopt(argv, { letters: { h: false, c: false, f: false, d: true }, fail: unknown })
  const has = (letter: string) => flags.some(flag => flag.letter === letter)
  if (has('h')) return { help: USAGE }
  const folder = flags.findLast(({ letter }) => letter === 'd')?.value
  if (has('c') && folder !== undefined) throw dshbakError('CONFIG', 'dshbak: Fatal: Do not specify both -c and -d')
  if (has('f') && folder === undefined) throw dshbakError('CONFIG', 'dshbak: Fatal: Option -f may only be used with -d')
  return { coalesce: has('c'), folder, makesFolder: has('f'), files: operands }
}
