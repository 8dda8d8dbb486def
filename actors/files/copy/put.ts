/** Puts on the target what a plan says, in one exec: an archive which holds the files, and lists of what else is to be done. */
import { randomBytes } from 'node:crypto'
import type { Abortable } from '../../../src/base/abortable.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { BLOCK_SIZE, type Extent } from '../../../src/base/hash-file.ts'
import { quote } from '../../../src/base/quote.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import { MIN_PARTIAL_SIZE } from '../partial-file.ts'
import { ownership, tryOwner } from './owner.ts'
import { bytesToSend, type CopyPlan, type DesiredEntry, modeOf } from './plan.ts'
import { KEPT_FOLDER } from './probe.ts'
import { runScript } from './run-script.ts'
import { type Moved, removePartial } from './send-file.ts'
import { setTime } from './set-time.ts'
import { blocksOf, lengthOf, setSize, within } from './sparse.ts'
import { type Member, tar } from './tar.ts'
import type { Entry, Tree } from './tree.ts'

/**
 * Files are unpacked beside, and each is renamed over the old one once all have arrived; whatever fails before leaves the old
 * ones, and nothing else unless the connection broke: then what has arrived stays in `KEPT_FOLDER`. Throws `ACTOR_FAILED` with
 * what the target says, `CONFIG` when a source was changed meanwhile.
 */
export const put = async (
  connection: Connection,
  folder: string,
  tree: Tree,
  plan: CopyPlan,
  wanted: DesiredEntry,
  moved: Moved,
  io: Abortable,
): Promise<void> => {
  let broken: unknown
  const content = async function* () {
    try {
      yield* tar(membersOf(counted(tree, plan, moved), plan, wanted))
    } catch (thrown) {
      broken = thrown
      throw thrown
    }
  }
  const kept = `${folder === '/' ? '' : folder}/${KEPT_FOLDER}`
  try {
    if (plan.take.length > 0 && plan.drop.length > 0)
      await runScript(connection, folder, dropScript(kept), once(names(plan.drop)), io)
    await runScript(connection, folder, putScript(folder, kept, plan.take.length > 0, wanted), content(), io)
  } catch (thrown) {
    // To the target the end of our input, and a full disk, look like the end of the connection.
    if (!(thrown instanceof StokerError && thrown.code === 'CONNECTION_LOST')) await removePartial(connection, kept)
    throw broken ?? thrown
  }
}

/** What goes out of the tree, counted as it goes. */
const counted = (tree: Tree, plan: CopyPlan, moved: Moved): Pick<Tree, 'bytes'> => {
  const of = bytesToSend(plan)
  let sent = 0
  moved(sent, of)
  return {
    async *bytes(file) {
      const all = file.data ? piecesWithin(tree.bytes(file), file.data) : tree.bytes(file)
      for await (const piece of all) {
        yield piece
        sent += piece.length
        moved(sent, of)
      }
    },
  }
}

async function* piecesWithin(bytes: AsyncIterable<Uint8Array>, data: readonly Extent[]): AsyncGenerator<Uint8Array> {
  for await (const { piece } of within(bytes, data)) yield piece
}

/** Sparse files by their number: where the parts lie, and the parts one behind the other. Every tar knows such members. */
function* sparseMembers(tree: Pick<Tree, 'bytes'>, plan: CopyPlan, wanted: DesiredEntry): Generator<Member> {
  const sparse = plan.send.filter(isSparse)
  yield { kind: 'folder', name: 'sparse', mode: 0o700 }
  yield list(
    'sparse/names',
    sparse.flatMap(({ name }, i) => [String(i), name]),
  )
  for (const [i, entry] of sparse.entries()) {
    const { data, size } = entry
    const mode = (modeOf(entry, wanted.mode) & 0o777).toString(8)
    const map = Buffer.from([`${size} ${mode}`, ...data.map(blocksOf), ''].join('\n'))
    yield { kind: 'file', name: `sparse/${i}.map`, mode: 0o600, size: map.length, bytes: once(map) }
    yield { kind: 'file', name: `sparse/${i}.data`, mode: 0o600, size: lengthOf(data), bytes: tree.bytes(entry) }
  }
}

type File = Extract<Entry, { readonly kind: 'file' }>

const isSparse = (entry: Entry): entry is File & Required<Pick<File, 'data'>> =>
  entry.kind === 'file' && entry.data !== undefined

/** Writes the parts of one where they lie. */
const EXPAND = `f="$s/new/$2" d="$s/sparse/$1.data"
mkdir -p "\${f%/*}" && : >"$f" && exec 3<"$d" || exit 255
{
IFS=" " read -r z m
while IFS=" " read -r o n; do e=$(dd bs=${BLOCK_SIZE} seek="$o" count="$n" conv=notrunc of="$f" <&3 2>&1) || { printf "%s\\n" "$e" | grep dd: >&2; exit 255; }; done
} <"$s/sparse/$1.map"
${setSize('"$f"', '"$z"')}
rm -f "$d"; chmod "$m" "$f"`

function* membersOf(tree: Pick<Tree, 'bytes'>, plan: CopyPlan, wanted: DesiredEntry): Generator<Member> {
  yield list('make', plan.make)
  yield list('own', plan.own)
  yield list('remove', plan.remove)
  yield list(
    'times',
    plan.times.flatMap(([mtime, name]) => [String(mtime), name]),
  )
  yield list('folders', [
    ...new Set([...plan.send, ...plan.take].map(({ name }) => name.slice(0, name.lastIndexOf('/')))),
  ])
  yield { kind: 'folder', name: 'modes', mode: 0o700 }
  for (const [mode, names] of plan.modes) yield list(`modes/0${mode.toString(8).padStart(4, '0')}`, names)
  yield { kind: 'folder', name: 'special', mode: 0o700 }
  for (const [mode, names] of special(plan, wanted)) yield list(`special/0${mode.toString(8)}`, names)
  yield { kind: 'folder', name: 'new', mode: 0o700 }
  for (const entry of plan.send) {
    const name = `new${entry.name.slice(1)}`
    if (isSparse(entry)) continue
    if (entry.kind === 'link') yield { ...entry, name }
    else
      yield {
        kind: 'file',
        name,
        mode: modeOf(entry, wanted.mode) & 0o777,
        size: entry.size,
        mtime: entry.mtime,
        bytes: tree.bytes(entry),
      }
  }
  yield* sparseMembers(tree, plan, wanted)
  // What ends at the end of a member looks like a whole archive: this one says that it is.
  yield list('end', [])
}

/** Files by the permission bits which they get when they have their owner: no other one's program runs as that one before. */
const special = ({ send, take }: CopyPlan, wanted: DesiredEntry): ReadonlyMap<number, readonly string[]> => {
  const found = new Map<number, string[]>()
  for (const entry of [...send, ...take]) {
    const mode = entry.kind === 'file' ? modeOf(entry, wanted.mode) : 0
    if (mode > 0o777) found.set(mode, [...(found.get(mode) ?? []), entry.name])
  }
  return found
}

/** Names with a NUL after each, as a file. */
const list = (name: string, listed: readonly string[]): Member => {
  const bytes = names(listed)
  return { kind: 'file', name, mode: 0o600, size: bytes.length, bytes: once(bytes) }
}

const names = (listed: readonly string[]): Buffer => Buffer.from(listed.map(one => `${one}\0`).join(''), 'latin1')

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}

/** For each folder: all that was unpacked into it, but for folders, is renamed into the real one. */
const MOVE = `for p do
for x in "$s/new/$p"/* "$s/new/$p"/.[!.]* "$s/new/$p"/..?*; do
if [ -L "$x" ] || { [ -e "$x" ] && [ ! -d "$x" ]; }; then printf "%s\\0" "$x"; fi
done | xargs -0 -r sh -c "mv -f \\"\\$@\\" \\"\\$0\\"" "$d/$p/" || exit 255
done`

const dropScript = (kept: string): string => `cd ${quote(kept)}/new && xargs -0 -r rm -f`

/** The archive does not hold what arrived before: without that, nothing may be put in place. */
const TAKE = `[ ! -L "$p" ] && [ -O "$p" ] && mv "$p/new" "$s/new" && rm -rf "$p" || { echo "what arrived before is gone; run again" >&2; exit 1; }`

const putScript = (folder: string, kept: string, takes: boolean, wanted: DesiredEntry): string => {
  const who = ownership(wanted)
  return `d=${quote(folder)} s=${quote(`${folder === '/' ? '' : folder}/.stoker.${randomBytes(8).toString('hex')}`)}
export d s
p=${quote(kept)}
k() {
trap "" HUP INT TERM PIPE
if n=$(du -sk "$s/new") && [ "\${n%%[!0-9]*}" -ge ${MIN_PARTIAL_SIZE / 1024} ]; then
rm -rf "$p"; (umask 077; mkdir "$p") && mv "$s/new" "$p/new"
fi
exit 1
}
trap 'rm -rf "$s"; [ ! "$b" ] || rmdir "$d" 2>&-' EXIT; trap 'exit 1' HUP INT TERM PIPE
umask 022
b=; [ -d "$d" ] || b=new
mkdir -p "$d" && (umask 077; mkdir "$s") || exit
${tryOwner('"$s"', wanted).join('')}
${takes ? TAKE : 'rm -rf "$p"'}
trap k HUP INT TERM PIPE
tar -x -p -o ${wanted.times ? '' : '-m '}-f - -C "$s" || k
[ -f "$s/end" ] || { echo "the content is incomplete" >&2; k; }
trap 'exit 1' HUP INT TERM PIPE
xargs -0 -r -n 2 sh -c '${EXPAND}' sh <"$s/sparse/names" || exit 1
cd "$d" || exit
${who === undefined ? '' : `find "$s/new" -exec chown -h ${who} {} + || exit`}
for m in "$s"/special/*; do [ ! -f "$m" ] || (cd "$s/new" && xargs -0 -r chmod "\${m##*/}" <"$m") || exit; done
xargs -0 -r mkdir -p <"$s/make" || exit
${who === undefined ? '' : `xargs -0 -r chown -h ${who} <"$s/own" || exit`}
sync -f "$s/new" 2>&- || sync
xargs -0 -r sh -c '${MOVE}' sh <"$s/folders" || exit 1
for m in "$s"/modes/*; do [ ! -f "$m" ] || xargs -0 -r chmod "\${m##*/}" <"$m" || exit; done
xargs -0 -r -n 2 sh -c '${setTime('$1', '"$2"')}' sh <"$s/times" || exit
xargs -0 -r rm -rf <"$s/remove" || exit
b=
`
}
