/** `clush --copy`: files and folders to the targets, where scp(1) would put them; the copying itself is the copy actor's. */
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { quote } from '../../../base/quote.ts'
import type { Connection } from '../../../connection/connection.ts'
import type { Actor, Job } from '../../../run/actor.ts'
import { lent, makeAbsolute, printedThere } from '../remote-script.ts'

export interface CopyOptions {
  readonly sources: readonly string[]
  /** On the target: a folder to put them into, or what a source is to be. Relative, and with `~`: from home. */
  readonly dest: string
  /** Whether files keep the times of their last change. */
  readonly preserve: boolean
}

/** `copy`: the copy actor. Prints nothing when all goes well. */
export const clushCopy = (copy: Actor, { sources, dest, preserve }: CopyOptions): Actor<undefined> => {
  // Parsed once for each place, because the source is read and hashed with it.
  const parsed = new Map<string, unknown>()
  const optionsFor = (source: string, path: string): unknown => {
    const key = JSON.stringify([source, path])
    const options = parsed.get(key) ?? copy.parse({ source, dest: path })
    parsed.set(key, options)
    return options
  }
  return {
    name: 'copy',
    summary: copy.summary,
    takes: 'options',
    connects: true,
    parse: () => undefined,
    async *act(target, _options, job) {
      await using connection = await job.connect()
      const place = await placeThere(connection, dest, job)
      const own: Job = { ...job, connect: async () => lent(connection) }
      for (const source of sources) {
        const path = place.isFolder ? `${place.path.replace(/\/$/, '')}/${basename(resolve(source))}` : place.path
        const running = copy.act(target, optionsFor(source, path), own)
        let step = await running.next()
        // What it tells of its work is not for those who expect scp.
        while (!step.done) step = await running.next()
        if (step.value.kind !== 'ok') return step.value
        if (preserve) await setTimes(connection, resolve(source), path, job)
      }
      return { kind: 'ok', changed: true }
    },
  }
}

/** An absolute path on the target, and whether there is a folder. */
const placeThere = async (connection: Connection, dest: string, job: Job) => {
  const script = [
    `d=${quote(dest)}`,
    ...makeAbsolute('d'),
    'k=other; [ ! -d "$d" ] || k=folder',
    'printf "%s %s" "$k" "$d"',
  ].join('; ')
  const printed = (await printedThere(connection, script, job)).toString()
  return { isFolder: printed.startsWith('folder '), path: printed.slice(printed.indexOf(' ') + 1) }
}

/** Folders after what is in them, whose change would change them. */
const setTimes = async (connection: Connection, source: string, path: string, job: Job): Promise<void> => {
  const times = await timesBelow(source, path)
  const input = async function* () {
    yield Buffer.from(times.map(([seconds, name]) => `@${seconds}\0${name}\0`).join(''))
  }
  await printedThere(connection, `xargs -0 -n 2 sh -c ${quote('touch -c -m -d "$0" -- "$1"')}`, job, input())
}

const timesBelow = async (source: string, path: string): Promise<readonly (readonly [number, string])[]> => {
  const found = await lstat(source)
  const real = found.isSymbolicLink() ? await stat(source) : found
  const below: (readonly [number, string])[] = []
  if (real.isDirectory())
    for (const entry of await readdir(source, { withFileTypes: true }))
      if (!entry.isSymbolicLink()) below.push(...(await timesBelow(join(source, entry.name), `${path}/${entry.name}`)))
  return [...below, [Math.floor(real.mtimeMs / 1000), path]]
}
