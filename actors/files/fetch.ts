/** Brings files of the targets here, into a folder for each. */
import { basename, join, resolve } from 'node:path'
import * as z from 'zod'
import { StokerError } from '../../src/base/errors.ts'
import { absolutePath, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Actor } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import { localPartials } from './fetch/local-partial.ts'
import { receive } from './fetch/receive.ts'

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
    if (fetched === 'absent' && optional) return { kind: 'ok', changed: false, detail: `no ${source}` }
    if (fetched === 'absent')
      throw new StokerError('ACTOR_FAILED', source, `there is no ${source}; optional=true takes that for no failure`)
    if (fetched === 'same') return { kind: 'ok', changed: false }
    yield { stream: 'stdout', data: Buffer.from(`fetched ${path} (${fetched.size} bytes)\n`) }
    return { kind: 'ok', changed: true }
  },
}

/** A node's name has no slash, but it may be `..`; and a path's own dots must not lead out of its folder. */
const localPath = (dest: string, name: string, source: string): string => {
  const own = /^\.+$/.test(name) ? name.replaceAll('.', '_') : name.replaceAll('/', '_')
  return join(resolve(dest), own, join('/', source))
}
