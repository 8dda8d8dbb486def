/** Brings files of the targets here, into a folder for each. */
import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import * as z from 'zod'
import type { Actor, Job } from '../src/actor.ts'
import { mapping } from '../src/config/shape.ts'
import type { Connection } from '../src/connection/connection.ts'
import { quote } from '../src/connection/quote.ts'
import { StokerError } from '../src/errors.ts'
import { hashFile } from '../src/hash-file.ts'
import { shown } from '../src/names.ts'
import { absolutePath, parseOptions, truth } from '../src/options.ts'
import { seal, sealed } from './fetch/seal.ts'

const schema = mapping({
  source: absolutePath.describe('The file on the target.'),
  dest: z.string().min(1).describe('The folder on this side; each target has one of its own in it, by its name.'),
  flat: truth
    .default(false)
    .describe('Whether the file lies right in the folder of its target, without the folders of its path.'),
  optional: truth.default(false).describe('Whether a target may be without the file.'),
})

type Options = z.output<typeof schema>

export const fetch: Actor<Options> = {
  name: 'fetch',
  summary: 'bring a file of every target here, into a folder for each',
  takes: 'options',
  connects: true,
  descriptors: 1,
  parse: argument => parseOptions('fetch', schema, argument),
  async *act(target, { source, dest, flat, optional }, job) {
    const path = placeOf(dest, target.name, flat ? basename(source) : source)
    if (!job.apply) {
      yield { stream: 'stdout', data: Buffer.from(`would fetch ${source} to ${path}\n`) }
      return { kind: 'ok', changed: true }
    }
    await using connection = await job.connect()
    const old = await hashFile(path).catch(() => undefined) // not there yet, or nothing that can be compared
    const fetched = await receive(connection, source, path, old?.sha256, job)
    if (fetched === 'absent' && optional) return { kind: 'ok', changed: false, detail: `no ${source}` }
    if (fetched === 'absent')
      throw new StokerError('ACTOR_FAILED', source, `there is no ${source}; optional=true takes that for no failure`)
    if (fetched === 'same') return { kind: 'ok', changed: false }
    yield { stream: 'stdout', data: Buffer.from(`fetched ${path} (${fetched.size} bytes)\n`) }
    return { kind: 'ok', changed: true }
  },
}

/** A node's name has no slash, but it may be `..`; and a path's own dots must not lead out of its folder. */
const placeOf = (dest: string, name: string, source: string): string => {
  const own = /^\.+$/.test(name) ? name.replaceAll('.', '_') : name.replaceAll('/', '_')
  return join(resolve(dest), own, join('/', source))
}

/** What the script ends with when there is no such file. */
const ABSENT = 66

/** Streams the file beside its place, and renames it once its checksum is right. Whatever fails leaves what was there before. */
const receive = async (
  connection: Connection,
  source: string,
  path: string,
  known: string | undefined,
  job: Job,
): Promise<'absent' | 'same' | { readonly size: number }> => {
  const running = connection.exec({ line: `exec /bin/sh -c ${quote(script(source, known))}` }, job)
  const beside = join(dirname(path), `.stoker.${randomBytes(8).toString('hex')}`)
  const hash = createHash('sha256')
  let file: FileHandle | undefined
  let stderr = ''
  try {
    const reading = sealed()
    for (;;) {
      const step = await running.next()
      if (!step.done) {
        const { stream, data } = step.value
        if (stream === 'stderr') {
          stderr = (stderr + Buffer.from(data).toString()).slice(-4096)
          continue
        }
        const piece = reading.push(data)
        if (piece.length === 0) continue
        file ??= await create(beside)
        hash.update(piece)
        await file.writeFile(piece)
        continue
      }
      const exit = step.value
      if (exit.kind === 'code' && exit.code === ABSENT) return 'absent'
      if (exit.kind !== 'code' || exit.code !== 0)
        throw new StokerError('ACTOR_FAILED', source, `cannot fetch ${source}: ${lastOf(stderr) || 'it was stopped'}`)
      const said = reading.end()
      if (said === known) return 'same'
      file ??= await create(beside)
      if (hash.digest('hex') !== said)
        throw new StokerError(
          'ACTOR_FAILED',
          source,
          `cannot fetch ${source}: it was changed while it was read; run again`,
        )
      const { size } = await file.stat()
      await file.sync()
      await file.close()
      await rename(beside, path)
      return { size }
    }
  } catch (thrown) {
    if (thrown instanceof StokerError || job.signal.aborted) throw thrown
    const why = (thrown as Error).message
    throw new StokerError('ACTOR_FAILED', path, `cannot write ${path} on this side: ${why}`, { cause: thrown })
  } finally {
    await running.return({ kind: 'signal', signal: 'TERM' })
    await file?.close()
    await rm(beside, { force: true })
  }
}

const create = async (path: string): Promise<FileHandle> => {
  await mkdir(dirname(path), { recursive: true })
  // What only root could read there is for nobody else to read here.
  return await open(path, 'wx', 0o600)
}

const lastOf = (text: string): string => {
  const line = text.trim().split('\n').at(-1) ?? ''
  return /[\p{Cc}\p{Cf}]/u.test(line) ? shown(line) : line
}

const script = (source: string, known: string | undefined): string => `f=${quote(source)}
[ -e "$f" ] || [ -L "$f" ] || exit ${ABSENT}
[ -f "$f" ] || { echo "it is no plain file" >&2; exit 1; }
for h in sha256sum "busybox sha256sum" "openssl dgst -sha256 -r" "shasum -a 256" ""; do command -v \${h%% *} >/dev/null && break; done
[ "$h" ] || { echo "there is no sha256sum, openssl or shasum on it" >&2; exit 1; }
s=$($h <"$f") || exit; s=\${s%% *}
${known === undefined ? '' : `[ "$s" = ${known} ] || `}cat "$f" || exit
${seal('$s')}
`
