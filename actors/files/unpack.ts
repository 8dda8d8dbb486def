/**
 * Scripts which unpack an archive beside a folder and put it in the folder's place by renaming: whoever is interrupted, and
 * whenever, leaves the old folder, the new one, or for a moment none; never half of one. Pure.
 */
import { quote } from '../../src/base/quote.ts'

export const FORMATS = ['tar', 'tar.gz', 'tar.xz', 'tar.zst', 'tar.bz2', 'zip'] as const
export type Format = (typeof FORMATS)[number]

const SHORT: Readonly<Record<string, Format>> = {
  tgz: 'tar.gz',
  txz: 'tar.xz',
  tzst: 'tar.zst',
  tbz2: 'tar.bz2',
  tbz: 'tar.bz2',
}

/** What a file's name or a URL says of the kind of archive. */
export const formatOf = (name: string): Format | undefined => {
  const file = name.replace(/[?#].*$/s, '').toLowerCase()
  const ending = /\.(\w+)$/.exec(file)?.[1] ?? ''
  return SHORT[ending] ?? FORMATS.find(format => file.endsWith(`.${format}`))
}

/** The program which undoes the compression, and prints. */
const DECOMPRESS: Readonly<Record<Format, string | undefined>> = {
  tar: undefined,
  'tar.gz': 'gzip',
  'tar.xz': 'xz',
  'tar.zst': 'zstd',
  'tar.bz2': 'bzip2',
  zip: undefined,
}

/** How the names of folders begin in which something is prepared. */
export const STAGE = '.stoker-archive.'

/** The folder beside `dest` in which everything is prepared, and a script which makes it anew, in the variable `s`. */
export const stageOf = (dest: string): { readonly stage: string; readonly begin: string } => {
  const slash = dest.lastIndexOf('/')
  const stage = `${dest.slice(0, slash)}/${STAGE}${dest.slice(slash + 1)}`
  // mkdir without -p: in a folder which others may write to, nobody else can have made it.
  return { stage, begin: `s=${quote(stage)}; rm -rf "$s" && mkdir -m 700 "$s" || exit\n` }
}

const needing = (program: string, why: string): string =>
  `command -v ${program} >/dev/null || { echo ${quote(`there is no ${program} on the target, which ${why} needs`)} >&2; exit 1; }\n`

/** Makes the stage, and fetches the archive into it when there is a URL. */
export const fetchScript = (dest: string, url: string | undefined): string => {
  const { begin } = stageOf(dest)
  const parent = quote(dest.slice(0, dest.lastIndexOf('/')) || '/')
  const prepare = `mkdir -p ${parent} || exit\n${begin}`
  if (url === undefined) return prepare
  const from = quote(url)
  return `${prepare}trap 'rm -rf "$s"' EXIT; trap 'exit 1' HUP INT TERM
if command -v curl >/dev/null; then curl -gfsSL --proto =http,https --connect-timeout 30 -o "$s/archive" --url ${from}
elif command -v wget >/dev/null; then wget -q -O "$s/archive" ${from} || { echo "wget could not fetch it (exit code $?)" >&2; false; }
else echo "there is neither curl nor wget on the target; use source instead of url" >&2; false
fi || exit 1
trap - EXIT`
}

/** Takes the folder away at once, and then piece by piece. */
export const removeScript = (dest: string): string => {
  const { begin } = stageOf(dest)
  return `${begin}mv ${quote(dest)} "$s/old" && rm -rf "$s"`
}

/** Removes what somebody left who was killed. */
export const clearScript = (dest: string): string => `rm -rf ${quote(stageOf(dest).stage)}`

export interface Unpacking {
  readonly dest: string
  readonly format: Format
  readonly sha256: string
  readonly strip: number
  readonly owner: string | undefined
  readonly group: string | undefined
  /** The file in the folder which tells what it was made of, and the line in it. */
  readonly marker: string
  readonly mark: string
}

/** Unpacks `archive` of the stage and puts the result in the place of `dest`. */
export const unpackScript = ({ dest, format, sha256, strip, owner, group, marker, mark }: Unpacking): string => {
  const decompress = DECOMPRESS[format]
  const ownership = `${owner ?? ''}${group === undefined ? '' : `:${group}`}`
  return `s=${quote(stageOf(dest).stage)}; d=${quote(dest)}
trap 'rm -rf "$s"' EXIT; trap 'exit 1' HUP INT TERM
fail() { echo "$1" >&2; exit 1; }
h=$(sha256sum <"$s/archive") || exit; h=\${h%% *}
[ "$h" = ${sha256} ] || fail "what was fetched has the sha256 $h, not ${sha256}"
${format === 'zip' ? needing('unzip', 'a zip archive') : needing('tar', 'the archive')}${decompress === undefined ? '' : needing(decompress, `a .${format}`)}mkdir "$s/new" || exit
LC_ALL=C.UTF-8; export LC_ALL
${extraction(format)}
${strip === 0 ? '' : stripping(strip)}rm -rf "$s/new/${marker}"
[ -n "$(ls -A "$s/new" | head -n 1)" ] || fail ${quote(strip === 0 ? 'the archive is empty' : `strip=${strip} leaves nothing of the archive`)}
printf '%s\\n' ${quote(mark)} >"$s/new/${marker}" || exit
if [ -d "$d" ]; then chown "$(stat -c %u:%g "$d")" "$s/new" && chmod "$(stat -c %a "$d")" "$s/new" || exit; fi
${ownership === '' ? '' : `chown -R -h ${quote(ownership)} "$s/new" || exit\n`}sync -f "$s/new" 2>/dev/null || sync
trap - EXIT
[ ! -e "$d" ] || mv "$d" "$s/old" || exit
mv "$s/new" "$d" || { [ ! -e "$s/old" ] || mv "$s/old" "$d"; exit 1; }
rm -rf "$s"`
}

/** Without the archive's owners: numbers of another machine mean nothing here. */
const extraction = (format: Format): string => {
  if (format === 'zip') return 'unzip -q -o "$s/archive" -d "$s/new" || exit'
  const decompress = DECOMPRESS[format]
  if (decompress === undefined) return 'tar -x -o -f "$s/archive" -C "$s/new" || exit'
  // A decompressor which fails leaves tar without the end of the archive: tar fails then.
  return `${decompress} -dc <"$s/archive" | tar -x -o -f - -C "$s/new" || exit`
}

/** What tar's --strip-components does, for every kind of archive. */
const stripping = (levels: number): string => `i=0; while [ $i -lt ${levels} ]; do
mkdir "$s/next" || exit
find "$s/new" -mindepth 2 -maxdepth 2 -exec mv {} "$s/next/" \\;
[ -z "$(find "$s/new" -mindepth 2 -maxdepth 2 | head -n 1)" ] || fail "leading folders cannot be left out: names would be there twice"
rm -rf "$s/new"; mv "$s/next" "$s/new" || exit
i=$((i + 1)); done
`
