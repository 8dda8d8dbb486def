/** `clush --rcopy`: files and folders of the targets come here, each with its node's name at the end of its own. */
import { chmod, mkdir, mkdtemp, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { StokerError } from '../../../base/errors.ts'
import { quote } from '../../../base/quote.ts'
import type { Connection } from '../../../connection/connection.ts'
import type { Target } from '../../../inventory/target.ts'
import type { Actor, Job } from '../../../run/actor.ts'
import type { Outcome } from '../../../run/outcome.ts'
import { lent, makeAbsolute, printedThere } from '../remote-script.ts'

export interface RcopyOptions {
  /** On the targets; relative, and with `~`: from home. */
  readonly sources: readonly string[]
  /** A folder on this side, which is there. */
  readonly dest: string
  /** Whether modes and times are kept to the letter. */
  readonly preserve: boolean
}

/** A file or folder on the target. */
interface Entry {
  readonly isFolder: boolean
  readonly mode: number
  /** Seconds since 1970. */
  readonly time: number
  /** Below what was asked for; `.` is that itself. */
  readonly name: string
}

const FOLDER_BIT = 0o040000
const FORMAT = 0o170000

/** `fetch`: the fetch actor, which brings each file. Prints nothing when all goes well. */
export const clushRcopy = (fetch: Actor, { sources, dest, preserve }: RcopyOptions): Actor<undefined> => ({
  name: 'fetch',
  summary: fetch.summary,
  takes: 'options',
  connects: true,
  descriptors: fetch.descriptors ?? 0,
  parse: () => undefined,
  // biome-ignore lint/correctness/useYield: scp says nothing either
  async *act(target, _options, job) {
    await using connection = await job.connect()
    for (const source of sources) {
      const { path, entries } = await listThere(connection, source, job)
      const place = await placeHere(dest, source, target.name)
      const failure = await bring(fetch, { target, path, entries, place, preserve }, connection, job)
      if (failure) return failure
    }
    return { kind: 'ok', changed: true }
  },
})

/** As scp(1) has it: a folder which is there already gets it inside. */
const placeHere = async (dest: string, source: string, node: string): Promise<string> => {
  const name = basename(source)
  const place = join(resolve(dest), `${name}.${/^\.+$/.test(node) ? node.replaceAll('.', '_') : node}`)
  const isFolder = await stat(place).then(
    found => found.isDirectory(),
    () => false, // not there yet
  )
  return isFolder ? join(place, name) : place
}

interface Bringing {
  readonly target: Target
  readonly path: string
  readonly entries: readonly Entry[]
  readonly place: string
  readonly preserve: boolean
}

/** Through a folder beside the place, so that nothing of the fetch actor's own order of files is left. */
const bring = async (
  fetch: Actor,
  { target, path, entries, place, preserve }: Bringing,
  connection: Connection,
  job: Job,
): Promise<Outcome | undefined> => {
  const own: Job = { ...job, connect: async () => lent(connection) }
  const folder = await mkdtemp(join(dirname(place), '.stoker-'))
  try {
    for (const { isFolder, name } of entries) {
      const here = join(place, name)
      if (isFolder) {
        await mkdir(here, { recursive: true })
        continue
      }
      const source = name === '.' ? path : join(path, name)
      const running = fetch.act(target, fetch.parse({ source, dest: folder, flat: true }), own)
      let step = await running.next()
      while (!step.done) step = await running.next()
      if (step.value.kind !== 'ok') return step.value
      await rename(join(folder, nodeFolder(target.name), basename(source)), here)
    }
    const mask = preserve ? 0 : process.umask()
    for (const { mode, time, name } of entries.toReversed()) {
      await chmod(join(place, name), mode & 0o777 & ~mask)
      if (preserve) await utimes(join(place, name), time, time)
    }
    return undefined
  } catch (cause) {
    if (cause instanceof StokerError) throw cause
    const message = `cannot write ${place} on this side: ${(cause as Error).message}`
    throw new StokerError('ACTOR_FAILED', place, message, { cause })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** As the fetch actor calls a node's folder. */
const nodeFolder = (name: string): string =>
  /^\.+$/.test(name) ? name.replaceAll('.', '_') : name.replaceAll('/', '_')

/** What there is, each folder before what is in it. Links are followed; what is neither file nor folder is left out, as by scp. */
const listThere = async (connection: Connection, source: string, job: Job) => {
  const one = 'for f do m=$(stat -L -c "%f %Y" "$f") && printf "%s %s\\0" "$m" "$f"; done'
  const script = [
    `s=${quote(source)}`,
    ...makeAbsolute('s'),
    '[ -e "$s" ] || { echo "$s: No such file or directory" >&2; exit 1; }',
    'printf "%s\\0" "$s"',
    `if [ -d "$s" ]; then cd "$s" && find -L . "(" -type d -o -type f ")" -exec sh -c ${quote(one)} sh {} +`,
    `else set -- "$s"; ${one}; fi`,
  ].join('; ')
  const [path = '', ...lines] = (await printedThere(connection, script, job)).toString().split('\0').slice(0, -1)
  const entries = lines.map(line => parseEntry(line, path)).filter(entry => entry !== undefined)
  return { path, entries }
}

/** The target is not to be trusted with paths: what leads out of its folder is left out. */
const parseEntry = (line: string, path: string): Entry | undefined => {
  const [, mode, time, name = ''] = /^([0-9a-f]+) (-?\d+) (.*)$/s.exec(line) ?? []
  if (mode === undefined || time === undefined) return undefined
  const bits = Number.parseInt(mode, 16)
  const inside = name === path ? '.' : name
  if (inside.startsWith('/') || inside.split('/').includes('..')) return undefined
  return { isFolder: (bits & FORMAT) === FOLDER_BIT, mode: bits & 0o7777, time: Number(time), name: inside }
}
