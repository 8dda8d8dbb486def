/** What of a tree is on the target already: one question for all of it. Pure. */
import { quote } from '../../../src/base/quote.ts'
import { FIND_SHA256 } from '../checksum.ts'

/** What there is under a name. */
export type Found =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'file'; readonly sha256: string; readonly attributes: Attributes }
  | { readonly kind: 'folder'; readonly attributes: Attributes }
  | { readonly kind: 'link'; readonly to: string; readonly attributes: Attributes }
  | { readonly kind: 'other' }

export interface Attributes {
  readonly mode: number
  /** Seconds since 1970. */
  readonly mtime: number
  /** By number and by name. */
  readonly owner: readonly string[]
  readonly group: readonly string[]
}

export interface ActualTree {
  /** As many as were asked for, in their order. */
  readonly found: readonly Found[]
  /** All names in the folder, when they were asked for. */
  readonly all: readonly string[]
  /** Files which arrived before a connection broke, and lie in `KEPT_FOLDER`. */
  readonly kept: readonly KeptFile[]
}

export interface KeptFile {
  readonly name: string
  readonly sha256: string
  /** Permission bits. */
  readonly mode: number
}

/** Where in a folder the files lie which arrived before the connection broke, as they will be called. */
export const KEPT_FOLDER = '.stoker.part.tree'

const EACH_KIND =
  'for f do if [ -L "$f" ]; then echo l; elif [ -f "$f" ]; then echo f; elif [ -d "$f" ]; then echo d; ' +
  'elif [ -e "$f" ]; then echo o; else echo n; fi; done'
const THERE = 'for f do if [ -e "$f" ] || [ -L "$f" ]; then printf "%s\\0" "$f"; fi; done'
const FILES = 'for f do if [ -f "$f" ] && [ ! -L "$f" ]; then printf "%s\\0" "$f"; fi; done'
const LINKS = 'for f do if [ -L "$f" ]; then printf "%s\\0" "$(readlink "$f")"; fi; done'

/** The script, which gets the names on its standard input, each with a NUL at its end; `all`: whether to list the folder. */
export const probeScript = (folder: string, all: boolean): string =>
  `d=${quote(folder)}
for p in tar xargs stat; do [ "$(command -v $p)" ] || { echo "there is no $p on it, which a folder needs" >&2; exit 1; }; done
${FIND_SHA256}
[ "$h" ] || { echo "there is no sha256sum, openssl or shasum on it to compare contents with" >&2; exit 1; }
if ! [ -e "$d" ] && ! [ -L "$d" ]; then echo none; exit; fi
[ -d "$d" ] || { echo "there is no folder at $d, but something else" >&2; exit 1; }
cd "$d" || exit
n=$(mktemp) && m=$(mktemp) || exit
trap 'rm -f "$n" "$m"' EXIT; trap 'exit 1' HUP INT TERM PIPE
cat >"$n"
k=${KEPT_FOLDER}
if [ -d $k/new ] && [ ! -L $k ] && [ -O $k ]; then (cd $k/new && find . -type f -print0) >"$m"; fi
kept() { (cd $k/new 2>&-; xargs -0 -r "$@" <"$m"); }
each() { xargs -0 sh -c "$1" sh <"$n"; }
each '${EACH_KIND}'
echo
each '${THERE}' | xargs -0 -r stat -c "%a %u %g %Y %U %G"
echo
each '${FILES}' | xargs -0 -r $h | sed 's/^\\\\//' | cut -c 1-64
echo
kept $h | sed 's/^\\\\//' | cut -c 1-64
echo
kept stat -c %a
echo
each '${LINKS}'
cat "$m"
${all ? 'find . ! -name . -print0' : ':'}
`

/** What the script has printed about `count` names. `undefined` when it cannot be understood: something could not be read. */
export const parseProbe = (stdout: Uint8Array, count: number): ActualTree | undefined => {
  const text = Buffer.from(stdout).toString('latin1')
  if (text === 'none\n') return { found: Array.from({ length: count }, () => ({ kind: 'nothing' })), all: [], kept: [] }
  const ends: number[] = []
  for (let at = 0; ends.length < 5; ) {
    // Each list ends with an empty line; a list may be empty itself.
    const end = text.startsWith('\n', at) ? at : text.indexOf('\n\n', at) + 1
    if (end < at || (end === 0 && at > 0)) return undefined
    ends.push(end)
    at = end + 1
  }
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = ends
  const lines = (from: number, to: number) => text.slice(from, to).split('\n').slice(0, -1)
  const kinds = lines(0, a)
  const attributes = lines(a + 1, b).map(attributesOf)
  const sums = lines(b + 1, c)
  const keptSums = lines(c + 1, d)
  const keptModes = lines(d + 1, e)
  const names = text
    .slice(e + 1)
    .split('\0')
    .slice(0, -1)
  const links = names.splice(0, kinds.filter(kind => kind === 'l').length)
  const keptNames = names.splice(0, keptSums.length)
  const isComplete =
    kinds.length === count &&
    attributes.length === kinds.filter(kind => kind !== 'n').length &&
    sums.length === kinds.filter(kind => kind === 'f').length
  if (!isComplete) return undefined
  const found = kinds.map((kind): Found => {
    if (kind === 'n') return { kind: 'nothing' }
    const its = attributes.shift() as Attributes
    if (kind === 'f') return { kind: 'file', sha256: sums.shift() as string, attributes: its }
    if (kind === 'l') return { kind: 'link', to: links.shift() as string, attributes: its }
    return kind === 'd' ? { kind: 'folder', attributes: its } : { kind: 'other' }
  })
  const kept = keptNames.map((name, i) => {
    return { name, sha256: keptSums[i] as string, mode: Number.parseInt(keptModes[i] ?? '', 8) }
  })
  return {
    found,
    all: names.filter(name => name !== `./${KEPT_FOLDER}` && !name.startsWith(`./${KEPT_FOLDER}/`)),
    kept,
  }
}

const attributesOf = (line: string): Attributes => {
  const [mode = '', uid = '', gid = '', mtime, user = '', group = ''] = line.split(' ')
  return { mode: Number.parseInt(mode, 8), mtime: Number(mtime), owner: [uid, user], group: [gid, group] }
}
