/** Brings files of the targets here, into a folder for each. */
import { basename, join, resolve } from 'node:path'
import * as z from 'zod'
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { harmlessMessage } from '../../src/base/printable.ts'
import { absolutePath, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Connection, Output } from '../../src/connection/connection.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import type { Outcome } from '../../src/run/outcome.ts'
import { isPattern, type ListedFile, listFiles } from './fetch/list.ts'
import { localPartials } from './fetch/local-partial.ts'
import { receive } from './fetch/receive.ts'

const schema = mapping({
  source: absolutePath.describe(
    'The file on the target; or a folder with all files in it; or a pattern such as /var/log/*.log, in quotes.',
  ),
  dest: z.string().min(1).describe('The folder on this side; each target has one of its own in it, by its name.'),
  flat: truth
    .default(false)
    .describe('Whether the file lies right in the folder of its target, without the folders of its path.'),
  optional: truth.default(false).describe('Whether a target may be without the file.'),
})

type Options = z.output<typeof schema>

export const fetch: Actor<Options> = {
  name: 'fetch',
  summary: 'bring files of every target here, into a folder for each',
  takes: 'options',
  takesInput: false,
  connects: true,
  descriptors: 1,
  parse: argument => parseOptions('fetch', schema, argument),
  async *act(target, { source, dest, flat, optional }, job) {
    const path = localPath(dest, target.name, flat ? basename(source) : source)
    if (!job.apply) {
      const [partial] = await localPartials(path)
      const rest = partial ? `; ${partial.size} bytes of it may have come before the connection broke` : ''
      yield { stream: 'stdout', data: Buffer.from(`would fetch ${source} to ${path}${rest}\n`) }
      return { kind: 'ok', changed: true }
    }
    await using connection = await job.connect()
    const fetched = await receive(connection, source, path, job)
    const isFolder = fetched === 'folder'
    if (isFolder || (fetched === 'absent' && isPattern(source))) {
      const files = await listFiles(connection, { source, isPattern: !isFolder }, job)
      if (files.length === 0 && !isFolder) return missing(source, optional)
      return yield* fetchAll(connection, files, file => localPath(dest, target.name, flat ? file.name : file.path), job)
    }
    if (fetched === 'absent') return missing(source, optional)
    if (fetched === 'same') return { kind: 'ok', changed: false }
    yield fetchedLine(path, fetched.size)
    return { kind: 'ok', changed: true }
  },
}

/** One after the other: what has come stays when a later one fails, and is not sent again. */
async function* fetchAll(
  connection: Connection,
  files: readonly ListedFile[],
  pathOf: (file: ListedFile) => string,
  job: Job,
): AsyncGenerator<Output, Outcome, void> {
  const paths = files.map(pathOf)
  const seen = new Set<string>()
  const twice = paths.find(path => seen.size === seen.add(path).size)
  if (twice !== undefined)
    throw new StokerError(
      'ACTOR_FAILED',
      twice,
      `two files would be ${shown(twice)}; without flat=true they keep their folders`,
    )
  let changed = false
  for (const [i, file] of files.entries()) {
    const path = paths[i] as string
    const fetched = await receive(connection, file.path, path, job)
    // Gone since it was listed, as files of logs and spools do.
    if (fetched === 'absent' || fetched === 'folder' || fetched === 'same') continue
    changed = true
    yield fetchedLine(path, fetched.size)
  }
  return { kind: 'ok', changed }
}

const missing = (source: string, optional: boolean): Outcome => {
  if (optional) return { kind: 'ok', changed: false, detail: `no ${source}` }
  throw new StokerError('ACTOR_FAILED', source, `there is no ${source}; optional=true takes that for no failure`)
}

const fetchedLine = (path: string, size: number): Output => ({
  stream: 'stdout',
  data: Buffer.from(`fetched ${harmlessMessage(path)} (${size} bytes)\n`),
})

/** A node's name has no slash, but it may be `..`; and a path's own dots must not lead out of its folder. */
const localPath = (dest: string, name: string, source: string): string => {
  const own = /^\.+$/.test(name) ? name.replaceAll('.', '_') : name.replaceAll('/', '_')
  return join(resolve(dest), own, join('/', source))
}
