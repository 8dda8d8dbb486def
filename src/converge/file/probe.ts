/** What there is at a path of the target: one probe, with what plain POSIX has, and sha256 by whatever program knows it. */
import { quote } from '../../base/quote.ts'
import { withLibrary } from '../batch.ts'
import type { ProbeResult } from '../convergent.ts'

/** What to find out, beside kind, mode and owner. */
export interface FileQuery {
  readonly path: string
  /** The size of the content which is wanted, in bytes: only a file of this size is worth a checksum. */
  readonly size?: number | undefined
  /** Whether the content itself is wanted, where it has at most `MAX_DIFF_BYTES` bytes. */
  readonly content: boolean
  /** Names or numbers which will be needed as numbers. */
  readonly owner?: string | undefined
  readonly group?: string | undefined
  /** For a directory: what deviates below it. */
  readonly below?: Below | undefined
}

/** How everything below a directory has to be; `owner` and `group` of the question count as well. */
export interface Below {
  /** Permission bits of the directories. */
  readonly directoryMode?: number | undefined
  /** Permission bits of the files. */
  readonly fileMode?: number | undefined
}

/** Contents up to here are compared line by line, in bytes. */
export const MAX_DIFF_BYTES = 256 * 1024

/** What was found. */
export type ActualFile = (
  | { readonly kind: 'none' /** Whether the folder is there in which it would be. */; readonly folder: boolean }
  | ({ readonly kind: 'file'; readonly size: number } & Found & {
        /** Hexadecimal; only where the size is the one which was asked for. */
        readonly sha256?: string
        readonly content?: Uint8Array
      })
  | ({ readonly kind: 'directory'; readonly empty: boolean } & Found & {
        /** How many things below deviate. */
        readonly deviating: number
      })
  | ({ readonly kind: 'symlink'; readonly target: string } & Found)
  /** A device, a socket, a pipe. */
  | ({ readonly kind: 'other' } & Found)
) & {
  /** The user who ran the probe. */
  readonly me: number
  /** What `owner` and `group` of the question mean, where it is not what is there; `undefined` also when there is none of that name. */
  readonly wanted: { readonly uid: number | undefined; readonly gid: number | undefined }
}

interface Found {
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** By name where the question has names and the system knows them. */
  readonly owner: string
  readonly group: string
}

/**
 * Apostrophes and backslashes are avoided: each level of quoting makes four characters of them. Processes too: a probe of a
 * file which is as it should be starts three. `f` takes the path, the size, whether content is wanted, owner and group, and
 * then find's words for what deviates below.
 */
const LIBRARY = `
h() {
printf "sha256 "
if command -v sha256sum >/dev/null; then sha256sum
elif command -v openssl >/dev/null; then openssl dgst -sha256 -r
elif command -v shasum >/dev/null; then shasum -a 256
elif command -v busybox >/dev/null; then busybox sha256sum
else echo "no sha256sum, openssl, shasum or busybox there to compare contents with" >&2; false
fi
}
u() { echo "uid $(id -u "$1" 2>/dev/null)"; }
g() {
n=$(getent group "$1" 2>/dev/null) && { n=\${n#*:}; n=\${n#*:}; echo "gid \${n%%:*}"; return; }
while IFS=: read -r n x i y; do [ "$n" != "$1" ] || { echo "gid $i"; return; }; done </etc/group
}
w() { z=$6; printf "%s %s %s %s %s\\n" "$1" "$2" "$4" "$5" "$6"; }
v() { [ "$4" = "$o" ] && o=; [ "$5" = "$G" ] && G=; w "$@"; }
f() {
set -f
p=$1 s=$2 c=$3 o=$4 G=$5; shift 5
echo "me $_me"
if [ -L "$p" ] || [ -e "$p" ]; then
[ -z "$o$G" ] || { a=$(ls -ld "$p") && v names $a || exit; }
a=$(ls -ldn "$p") && w ls $a || exit
[ -z "$o" ] || u "$o"
[ -z "$G" ] || g "$G"
if [ -L "$p" ]; then echo; readlink "$p"
elif [ -d "$p" ]; then
[ "$(ls -A "$p")" ] || echo empty
[ $# -eq 0 ] || echo "below $(find "$p/." ! -name . "(" "$@" ")" | wc -l)"
elif [ -f "$p" ]; then
if [ "$c" ] && [ "$z" -le ${MAX_DIFF_BYTES} ]; then echo; cat "$p"
elif [ "$z" = "$s" ]; then h <"$p"
fi
fi
else
q=$p
while q=\${q%/*}; ! [ -e "\${q:-/}" ]; do :; done
[ ! -d "\${q:-/}" ] || [ -x "\${q:-/}" ] || { echo "\${q:-/}: no permission to enter it" >&2; exit 1; }
q=\${p%/*}; [ ! -d "\${q:-/}" ] || echo folder
fi
}`

/** The script for it, to be run with others. */
export const fileProbe = ({ path, size, content, owner, group, below }: FileQuery): string => {
  const words = [path, size === undefined ? '' : String(size), content ? 'c' : '', owner ?? '', group ?? '']
  return withLibrary(LIBRARY, ['f', ...words.map(quote), ...deviations(below, owner, group)].join(' '))
}

const deviations = (below: Below | undefined, owner?: string, group?: string): readonly string[] => {
  if (!below) return []
  const conditions = [
    // Who is not there yet owns nothing.
    ...(owner === undefined ? [] : [`! -user ${quote(owner)}`]),
    ...(group === undefined ? [] : [`! -group ${quote(group)}`]),
    ...(below.directoryMode === undefined ? [] : [`-type d ! -perm ${octal(below.directoryMode)}`]),
    ...(below.fileMode === undefined ? [] : [`-type f ! -perm ${octal(below.fileMode)}`]),
  ]
  return conditions.length === 0 ? [] : [conditions.join(' -o ')]
}

/** Permission bits as people write them. */
export const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

/** What the script has printed. */
export const parseFileProbe = ({ stdout }: ProbeResult): ActualFile => {
  const bytes = Buffer.from(stdout)
  const end = bytes.indexOf('\n\n')
  const head = bytes.subarray(0, end < 0 ? bytes.length : end + 1).toString('latin1')
  const facts = new Map(
    head.split('\n').map(line => {
      const [key = '', ...rest] = line.split(' ')
      return [key, rest.join(' ')] as const
    }),
  )
  const body = end < 0 ? undefined : bytes.subarray(end + 2)
  const me = Number(facts.get('me'))
  const wanted = { uid: numberOf(facts.get('uid')), gid: numberOf(facts.get('gid')) }
  const ls = facts.get('ls')
  if (ls === undefined) return { kind: 'none', folder: facts.has('folder'), me, wanted }
  const [letters = '', uid, gid, size] = ls.split(/ +/)
  const [, owner, group] = (facts.get('names') ?? '').split(/ +/)
  const found = {
    me,
    wanted,
    mode: modeOf(letters),
    uid: Number(uid),
    gid: Number(gid),
    owner: owner ?? String(uid),
    group: group ?? String(gid),
  }
  switch (letters[0]) {
    case '-': {
      const sha256 = facts.get('sha256')?.slice(0, 64)
      return {
        kind: 'file',
        ...found,
        size: Number(size),
        ...(sha256 !== undefined && { sha256 }),
        ...(body && { content: body }),
      }
    }
    case 'd':
      return { kind: 'directory', ...found, empty: facts.has('empty'), deviating: Number(facts.get('below') ?? 0) }
    case 'l':
      return { kind: 'symlink', ...found, target: body?.toString().replace(/\n$/, '') ?? '' }
    default:
      return { kind: 'other', ...found }
  }
}

const numberOf = (text: string | undefined): number | undefined => (text ? Number(text) : undefined)

/** `-rwsr-x--T` as bits. */
const modeOf = (letters: string): number => {
  let mode = 0
  for (const [index, letter] of [...letters.slice(1, 10)].entries()) {
    const bit = 0o400 >> index
    if (!'-ST'.includes(letter)) mode |= bit
    // The set-user-id, set-group-id and sticky bits share the places of the three execute bits.
    if ('sStT'.includes(letter)) mode |= [0o4000, 0o2000, 0o1000][Math.floor(index / 3)] as number
  }
  return mode
}
