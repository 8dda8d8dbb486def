/** Puts on the target what a plan says, in one exec: an archive which holds the files, and lists of what else is to be done. */
import { randomBytes } from 'node:crypto'
import type { Abortable } from '../../src/abortable.ts'
import type { Connection } from '../../src/connection/connection.ts'
import { quote } from '../../src/connection/quote.ts'
import { type CopyPlan, modeOf, type Wanted } from './plan.ts'
import { runScript } from './run-script.ts'
import { type Member, tar } from './tar.ts'
import type { Tree } from './tree.ts'

/**
 * Files are unpacked beside, and each is renamed over the old one once all have arrived; whatever fails before leaves the old
 * ones and nothing else. Throws `ACTOR_FAILED` with what the target says, `CONFIG` when a source was changed meanwhile.
 */
export const put = async (
  connection: Connection,
  folder: string,
  tree: Tree,
  plan: CopyPlan,
  wanted: Wanted,
  io: Abortable,
): Promise<void> => {
  let broken: unknown
  const content = async function* () {
    try {
      yield* tar(membersOf(tree, plan, wanted))
    } catch (thrown) {
      broken = thrown
      throw thrown
    }
  }
  try {
    await runScript(connection, folder, putScript(folder, wanted), content(), io)
  } catch (thrown) {
    throw broken ?? thrown
  }
}

function* membersOf(tree: Tree, plan: CopyPlan, wanted: Wanted): Generator<Member> {
  yield list('make', plan.make)
  yield list('own', plan.own)
  yield list('remove', plan.remove)
  yield list('folders', [...new Set(plan.send.map(({ name }) => name.slice(0, name.lastIndexOf('/'))))])
  yield { kind: 'folder', name: 'modes', mode: 0o700 }
  for (const [mode, names] of plan.modes) yield list(`modes/0${mode.toString(8).padStart(4, '0')}`, names)
  yield { kind: 'folder', name: 'new', mode: 0o700 }
  for (const entry of plan.send) {
    const name = `new${entry.name.slice(1)}`
    if (entry.kind === 'link') yield { ...entry, name }
    else yield { kind: 'file', name, mode: modeOf(entry, wanted.mode), size: entry.size, bytes: tree.bytes(entry) }
  }
  // What ends at the end of a member looks like a whole archive: this one says that it is.
  yield list('end', [])
}

/** Names with a NUL after each, as a file. */
const list = (name: string, names: readonly string[]): Member => {
  const bytes = Buffer.from(names.map(one => `${one}\0`).join(''), 'latin1')
  return { kind: 'file', name, mode: 0o600, size: bytes.length, bytes: once(bytes) }
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}

/** For each folder: all that was unpacked into it, but for folders, is renamed into the real one. */
const MOVE = `for p do
for x in "$s/new/$p"/* "$s/new/$p"/.[!.]* "$s/new/$p"/..?*; do
if [ -L "$x" ] || { [ -e "$x" ] && [ ! -d "$x" ]; }; then printf "%s\\0" "$x"; fi
done | xargs -0 -r sh -c "mv -f \\"\\$@\\" \\"\\$0\\"" "$d/$p/" || exit 255
done`

const putScript = (folder: string, { owner, group }: Wanted): string => {
  const ownership =
    owner === undefined && group === undefined
      ? undefined
      : quote(`${owner ?? ''}${group === undefined ? '' : `:${group}`}`)
  return `d=${quote(folder)} s=${quote(`${folder === '/' ? '' : folder}/.stoker.${randomBytes(8).toString('hex')}`)}
export d s
trap 'rm -rf "$s"' EXIT; trap 'exit 1' HUP INT TERM PIPE
umask 022
mkdir -p "$d" && (umask 077; mkdir "$s") || exit
tar -x -p -o -m -f - -C "$s" || exit
[ -f "$s/end" ] || { echo "the content is incomplete" >&2; exit 1; }
cd "$d" || exit
xargs -0 -r mkdir -p <"$s/make" || exit
${ownership === undefined ? '' : `find "$s/new" -exec chown -h ${ownership} {} + && xargs -0 -r chown -h ${ownership} <"$s/own" || exit\n`}sync -f "$s/new" 2>/dev/null || sync
xargs -0 -r sh -c '${MOVE}' sh <"$s/folders" || exit 1
for m in "$s"/modes/*; do [ ! -f "$m" ] || xargs -0 -r chmod "\${m##*/}" <"$m" || exit; done
xargs -0 -r rm -rf <"$s/remove" || exit
`
}
