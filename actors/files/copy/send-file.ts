/** Sends a large file so that what a broken connection has left of it need not be sent again. */
import type { Abortable } from '../../../src/base/abortable.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { quote } from '../../../src/base/quote.ts'
import type { Connection, Exit, FileAttributes } from '../../../src/connection/connection.ts'
import { writeScript } from '../../../src/connection/files.ts'
import type { Content } from '../../../src/converge/content.ts'
import { FIND_SHA256 } from '../checksum.ts'
import { idOf, MIN_PARTIAL_SIZE, partialPath } from '../partial-file.ts'
import { tryOwner } from './owner.ts'
import { lengthOf, partsFrom, receiveSparse, sparseStream } from './sparse.ts'

/** How far it is: bytes which have been sent, of those which were to be sent. */
export type Moved = (bytes: number, of: number) => void

/** What the script ends with when the file has another checksum than its content, because of a wrong beginning. */
const SPOILT = 67

/** How long a target is asked to forget what it has got, once nobody wants it any more; milliseconds. */
const FAREWELL_MS = 2_000

/**
 * Replaces the file as `Connection.write` does. When the connection breaks, what has arrived stays beside it (see `partialPath`),
 * and is not sent again; the whole has the right checksum before it becomes the file. Whatever else ends it leaves nothing.
 */
export const sendFile = async (
  connection: Connection,
  path: string,
  content: Content,
  attributes: FileAttributes,
  moved: Moved,
  io: Abortable,
): Promise<void> => {
  const attempt = () => sendOnce(connection, path, content, attributes, moved, io)
  // It is gone after that: the second time all of it is sent.
  if ((await attempt()) === SPOILT && (await attempt()) === SPOILT)
    throw failed(path, 'what arrived has another checksum than what was sent')
}

/** One try; the exit code is 0 or `SPOILT`. */
const sendOnce = async (
  connection: Connection,
  path: string,
  content: Content,
  attributes: FileAttributes,
  moved: Moved,
  io: Abortable,
): Promise<number> => {
  const partial = partialPath(path, idOf(content.sha256))
  const line = writeScript(path, receive(partial, content, attributes), attributes)
  const start = Promise.withResolvers<number | undefined>()
  const source = watched(restOf(content, start.promise, moved))
  let stdout = ''
  let stderr = ''
  try {
    const running = connection.exec({ line, stdin: source.bytes }, io)
    let exit: Exit | undefined
    while (!exit) {
      const step = await running.next()
      if (step.done) exit = step.value
      else if (step.value.stream === 'stderr')
        stderr = (stderr + Buffer.from(step.value.data).toString()).slice(-MAX_OUTPUT)
      else {
        stdout = (stdout + Buffer.from(step.value.data).toString()).slice(0, MAX_OUTPUT)
        const [, at] = /^at (\d+)\n/.exec(stdout) ?? []
        if (at !== undefined) start.resolve(Number(at))
      }
    }
    if (exit.kind === 'code' && (exit.code === 0 || exit.code === SPOILT)) return exit.code
    const ending = exit.kind === 'code' ? `exit code ${exit.code}` : `signal ${exit.signal}`
    throw source.error() ?? failed(path, stderr.trim().split('\n').at(-1) || ending)
  } catch (thrown) {
    // To the target the end of our input looks like the end of the connection.
    if (io.signal.aborted || source.error() !== undefined) await removePartial(connection, partial)
    throw thrown
  } finally {
    start.resolve(undefined)
  }
}

const MAX_OUTPUT = 4096

/**
 * Fills `"$t"`: with what was kept, where it is ours alone, and then with the input. It is renamed before it is checked,
 * so that in a folder of many users nobody can put something else in its place.
 */
const receive = (partial: string, { size, sha256, data }: Content, attributes: FileAttributes): string =>
  [
    ...tryOwner('"$t"', attributes),
    `p=${quote(partial)}`,
    `k() { trap '' HUP INT TERM PIPE; if [ "$(stat -c %s "$t")" -ge ${MIN_PARTIAL_SIZE} ]; then mv -f "$t" "$p"; else rm -f "$t"; fi; trap - EXIT; exit 1; }`,
    FIND_SHA256,
    'if [ "$h" ] && [ -f "$p" ] && [ ! -L "$p" ] && mv -f "$p" "$t"; then ' +
      `[ -f "$t" ] && [ ! -L "$t" ] && [ -O "$t" ] && [ "$(stat -c %h "$t")" = 1 ] && [ "$(stat -c %s "$t")" -le ${size} ] || ` +
      '{ rm -f "$t" && (set -C; : >"$t") || exit 1; }; fi',
    'a=$(stat -c %s "$t") && echo "at $a" || exit',
    'trap k HUP INT TERM PIPE',
    data ? receiveSparse(size) : 'cat >>"$t" || { [ $? -le 128 ] || k; exit 1; }',
    `[ "$(stat -c %s "$t")" -eq ${size} ] || { echo "the content is incomplete" >&2; k; }`,
    "trap 'exit 1' HUP INT TERM PIPE",
    `if [ "$a" -gt 0 ]; then s=$($h <"$t") || exit; [ "\${s%% *}" = ${sha256} ] || exit ${SPOILT}; fi`,
  ].join('; ')

/**
 * The content from where the target says. The last piece waits until the source has said that it is what it was: with that
 * piece the target has a whole file.
 */
async function* restOf(
  content: Content,
  start: Promise<number | undefined>,
  moved: Moved,
): AsyncGenerator<Uint8Array, void, void> {
  const from = await start
  if (from === undefined) return
  if (content.data) {
    const parts = partsFrom(content.data, from)
    const of = lengthOf(parts)
    moved(0, of)
    return yield* sparseStream(content.bytes(), parts, sent => moved(sent, of))
  }
  const of = content.size - from
  moved(0, of)
  let at = 0
  let last: Uint8Array | undefined
  for await (const piece of content.bytes()) {
    const rest = piece.subarray(Math.max(0, from - at))
    at += piece.length
    if (rest.length === 0) continue
    // What comes behind the end is no part of the content; the source will say so.
    if (at >= content.size) last ??= Uint8Array.from(rest)
    else {
      yield rest
      moved(at - from, of)
    }
  }
  if (last) yield last
  moved(of, of)
}

const watched = (bytes: AsyncIterable<Uint8Array>) => {
  let error: unknown
  const all = async function* () {
    try {
      yield* bytes
    } catch (thrown) {
      error = thrown
      throw thrown
    }
  }
  return { bytes: all(), error: () => error }
}

/** Removes a file or a folder of ours on the target, also when nothing else is to be done any more; throws nothing. */
export const removePartial = async (connection: Connection, partial: string): Promise<void> => {
  const line = `exec rm -rf ${quote(partial)}`
  try {
    const running = connection.exec({ line }, { signal: AbortSignal.timeout(FAREWELL_MS) })
    while (!(await running.next()).done) {
      // what it says is for nobody
    }
  } catch {
    // Then the connection is broken as well, and the next copy finds what is left.
  }
}

const failed = (path: string, why: string): StokerError =>
  new StokerError('ACTOR_FAILED', path, `cannot write ${path}: ${why}`)
