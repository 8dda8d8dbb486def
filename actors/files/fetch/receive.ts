/** A file of a target comes here: beside its place first, and going on where a broken connection has stopped it. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AtomicFile } from '../../../src/base/atomic-file.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { hashFile, isZero, piecesOf } from '../../../src/base/hash-file.ts'
import { shown } from '../../../src/base/names.ts'
import { quote } from '../../../src/base/quote.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import type { Job } from '../../../src/run/actor.ts'
import { FIND_SHA256 } from '../checksum.ts'
import { idOf, MIN_PARTIAL_SIZE, partialPath } from '../partial-file.ts'
import { type Header, headed, printHeader } from './header.ts'
import { type LocalPartial, localPartials, removeLocalPartials } from './local-partial.ts'
import { type Unpacker, unpacker } from './unpacker.ts'

export type Received = 'absent' | 'folder' | 'same' | { readonly size: number }

/** What the script ends with when there is no such file, and when it is the one which is here. */
const ABSENT = 66
const SAME = 67
/** And when it is a folder. */
const FOLDER = 68

/**
 * Brings the file to the path, and renames it there once its checksum is right. When the connection breaks, what has come stays
 * beside the path (see `partialPath`) for the next time. Whatever else fails leaves what was there before, and nothing else.
 */
export const receive = async (connection: Connection, source: string, path: string, job: Job): Promise<Received> => {
  const old = await hashFile(path).catch(() => undefined) // not there yet, or nothing that can be compared
  const [partial] = await localPartials(path)
  const first = await attempt(connection, source, path, old?.sha256, partial, job)
  const received =
    first === 'spoilt' && partial ? await attempt(connection, source, path, old?.sha256, undefined, job) : first
  if (received === 'spoilt')
    throw new StokerError('ACTOR_FAILED', source, `cannot fetch ${source}: it was changed while it was read; run again`)
  if (received !== 'absent' && received !== 'folder') await removeLocalPartials(path)
  return received
}

/** One try; `spoilt`: what came, with what was kept, has another checksum than it should. */
const attempt = async (
  connection: Connection,
  source: string,
  path: string,
  known: string | undefined,
  partial: LocalPartial | undefined,
  job: Job,
): Promise<Received | 'spoilt'> => {
  const running = connection.exec({ line: script(source, known, partial) }, job)
  await using incoming = new IncomingFile(path)
  let stderr = ''
  let unpacking: Unpacker | undefined
  try {
    const reading = headed()
    for (;;) {
      const step = await running.next()
      if (!step.done) {
        const { stream, data } = step.value
        if (stream === 'stderr') {
          stderr = (stderr + Buffer.from(data).toString()).slice(-4096)
          continue
        }
        const piece = reading.push(data)
        const { header } = reading
        if (!header) continue
        unpacking ??= unpacker(header)
        for (const part of await unpacking.push(piece)) await incoming.add(part, header, partial)
        job.moved?.(incoming.size - header.at, header.size - header.at)
        continue
      }
      const exit = step.value
      if (exit.kind === 'code' && exit.code === ABSENT) return 'absent'
      if (exit.kind === 'code' && exit.code === SAME) return 'same'
      if (exit.kind === 'code' && exit.code === FOLDER) return 'folder'
      if (exit.kind !== 'code' || exit.code !== 0 || !reading.header)
        throw new StokerError('ACTOR_FAILED', source, `cannot fetch ${source}: ${lastOf(stderr) || 'it was stopped'}`)
      return (await incoming.finish(reading.header)) ? { size: incoming.size } : 'spoilt'
    }
  } catch (thrown) {
    if (thrown instanceof StokerError && thrown.code === 'CONNECTION_LOST') await incoming.keep()
    if (thrown instanceof StokerError || job.signal.aborted) throw thrown
    const why = (thrown as Error).message
    throw new StokerError('ACTOR_FAILED', path, `cannot write ${path} on this side: ${why}`, { cause: thrown })
  } finally {
    await running.return({ kind: 'signal', signal: 'TERM' })
  }
}

/** A file on its way to a path. Unless it is finished or kept, disposing it leaves nothing. */
class IncomingFile implements AsyncDisposable {
  readonly #path: string
  readonly #hash = createHash('sha256')
  #file: AtomicFile | undefined
  #id = ''
  #endsInHole = false
  /** Bytes, with those which were kept. */
  size = 0

  constructor(path: string) {
    this.#path = path
  }

  async add(piece: Uint8Array, header: Header, partial: LocalPartial | undefined): Promise<void> {
    this.#file ??= await this.#open(header, partial)
    this.#hash.update(piece)
    const { handle } = this.#file
    if (header.isSparse && isZero(piece)) this.#endsInHole = true
    else {
      await this.#fillUp()
      for (let done = 0; done < piece.length; )
        done += (await handle.write(piece, done, piece.length - done, this.size + done)).bytesWritten
    }
    this.size += piece.length
  }

  /** A hole becomes part of the file when something comes behind it, or nothing more. */
  async #fillUp(): Promise<void> {
    if (this.#endsInHole) await this.#file?.handle.truncate(this.size)
    this.#endsInHole = false
  }

  /** Puts it in its place, if it is what it should be. */
  async finish({ sha256 }: Header): Promise<boolean> {
    if (!this.#file || this.#hash.digest('hex') !== sha256) return false
    await this.#fillUp()
    await this.#file.commit()
    return true
  }

  async keep(): Promise<void> {
    await this.#fillUp()
    if (this.size >= MIN_PARTIAL_SIZE) await this.#file?.keepAs(partialPath(this.#path, this.#id))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]()
  }

  /** With mode 0600: what only root could read there is for nobody else to read here. */
  async #open({ sha256, at }: Header, partial: LocalPartial | undefined): Promise<AtomicFile> {
    this.#id = idOf(sha256)
    await mkdir(dirname(this.#path), { recursive: true })
    if (at === 0 || !partial) return await AtomicFile.open(this.#path)
    const file = await AtomicFile.open(this.#path, partial.path)
    this.#file = file
    for await (const piece of piecesOf(file.path)) {
      this.#hash.update(piece)
      this.size += piece.length
    }
    return file
  }
}

const lastOf = (text: string): string => {
  const line = text.trim().split('\n').at(-1) ?? ''
  return /[\p{Cc}\p{Cf}]/u.test(line) ? shown(line) : line
}

/** Bytes: smaller ones are sent as they are, whatever holes they have. */
const MIN_SPARSE_SIZE = 1024 * 1024

/** What is appended meanwhile, as to a log, is not part of it. The kernel's own files say that they are empty. */
const script = (
  source: string,
  known: string | undefined,
  partial: LocalPartial | undefined,
): string => `f=${quote(source)}
[ -e "$f" ] || [ -L "$f" ] || exit ${ABSENT}
[ ! -d "$f" ] || exit ${FOLDER}
[ -f "$f" ] || { echo "it is no plain file" >&2; exit 1; }
${FIND_SHA256}
[ "$h" ] || { echo "there is no sha256sum, openssl or shasum on it" >&2; exit 1; }
head -c 1 "$f" >/dev/null || exit
n=$(stat -L -c %s "$f") || exit; [ "$n" -gt 0 ] || n=$(wc -c <"$f")
s=$(head -c "$n" "$f" | $h) || exit; s=\${s%% *} a=0
${known === undefined ? '' : `[ "$s" != ${known} ] || exit ${SAME}`}
${partial ? `case $s in ${partial.id}*) [ ${partial.size} -gt "$n" ] || a=${partial.size} ;; esac` : ''}
b=$(stat -L -c %b "$f") z=
if [ "$n" -ge ${MIN_SPARSE_SIZE} ] && [ $((b * 512)) -lt "$n" ] && [ "$(command -v gzip)" ]; then z=" sparse"; fi
${printHeader('$s', '$n', '$a', '$z')}
c() { [ "$a" -gt 0 ] || exec head -c "$n" "$f"; tail -c +$((a + 1)) "$f" | head -c $((n - a)); }
[ "$z" ] || { c; exit; }
c | gzip -1c
`
