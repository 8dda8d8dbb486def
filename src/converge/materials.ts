/**
 * What actors read on this side: source files and templates, from the working directory or from the folders of a policy.
 * A file is read and hashed once for all targets of a run; templates are compiled once and rendered for each target.
 */
import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { type Abortable, orAborted } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { hashFile, piecesOf } from '../base/hash-file.ts'
import { shown } from '../base/names.ts'
import type { Target } from '../inventory/target.ts'
import type { Template } from '../template/template.ts'
import type { Content } from './content.ts'
import type { Materials } from './convergent.ts'

/** Where sources and templates lie. */
export interface SourceFolders {
  /** Absolute folder which names of files start from. */
  readonly files: string
  /** The same for templates. */
  readonly templates: string
  /** Whether names, also through symbolic links, must stay below these folders. */
  readonly confined: boolean
}

/** What templates can say, beside `node`. */
export interface TemplateValues {
  /** Gathers facts from the target; asked at most once, and only when a template mentions `facts`. */
  readonly facts?: () => Promise<object>
  /** More values at the top, such as a policy's variables; `node` and `facts` cannot be replaced. */
  readonly variables?: Readonly<Record<string, unknown>>
}

/** The sources of one run. */
export interface Sources {
  /** What one target's actors may read. */
  materials(target: Target, values: TemplateValues, io: Abortable): Materials
}

/** The sources in these folders; reads nothing yet. */
export const sourcesIn = (folders: SourceFolders): Sources => {
  const files = memoize((name: string) => fileAt(folders, name))
  const templates = memoize(async (name: string) => {
    const path = await findSource('template', folders.templates, name, folders.confined)
    return await compiled(name, await readText(path, name))
  })
  const texts = memoize(async (key: string) => {
    const [name, text] = JSON.parse(key) as [string, string]
    return await compiled(name, text)
  })
  return {
    materials(target, values, { signal }) {
      const render = rendering(target, values)
      return {
        signal,
        file: name => orAborted(files(name), { signal }),
        template: async name => render(await orAborted(templates(name), { signal }), { signal }),
        render: async (name, text) => render(await texts(JSON.stringify([name, text])), { signal }),
      }
    },
  }
}

/** Runs without templates start without their language, which takes its time to load. */
const compiled = async (name: string, text: string): Promise<Template> => {
  const { compileSource } = await import('../template/plain-format.ts')
  return compileSource(name, text)
}

/** The same work once for equal questions; what failed has failed for all who ask. */
const memoize = <T>(work: (key: string) => Promise<T>): ((key: string) => Promise<T>) => {
  const known = new Map<string, Promise<T>>()
  return key => {
    const before = known.get(key)
    if (before) return before
    const begun = work(key)
    known.set(key, begun)
    return begun
  }
}

/** What templates and conditions know of a target, as `node`. */
export const nodeValues = ({ name, names, addresses, macs, port, user, vars }: Target) => ({
  name,
  names,
  /** What it is connected to by: the first address, else its name. */
  address: addresses[0] ?? name,
  addresses,
  macs,
  port: port ?? 22,
  user: user ?? '',
  vars,
})

const rendering = (target: Target, values: TemplateValues) => {
  let facts: Promise<object> | undefined
  const node = nodeValues(target)
  return async (template: Template, io: Abortable): Promise<string> => {
    const data: Record<string, unknown> = { ...values.variables, node }
    // `facts.os`, `@root.facts.os`, `../facts`: any mention counts.
    if (values.facts && template.paths.some(path => path.split(/[./@]/).includes('facts'))) {
      facts ??= values.facts()
      data.facts = await orAborted(facts, io)
    } else delete data.facts
    return template.render(data)
  }
}

const fileAt = async ({ files, confined }: SourceFolders, name: string): Promise<Content> => {
  const path = await findSource('file', files, name, confined)
  const hashed = await hashFile(path).catch(cause => Promise.reject(cannotRead('file', name, cause)))
  return { ...hashed, bytes: () => verifiedBytes(path, name, hashed.sha256) }
}

/** The file's bytes again; a file which is being changed meanwhile would arrive as a mixture. */
async function* verifiedBytes(path: string, name: string, sha256: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of piecesOf(path)) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== sha256)
    throw new StokerError('CONFIG', name, `source file ${shown(name)} was changed while it was in use; run again`)
}

/** The path of a source which is there, and a plain file. Throws `CONFIG` naming it. */
const findSource = async (kind: string, folder: string, name: string, confined: boolean): Promise<string> => {
  const path = resolve(folder, name)
  try {
    if (confined && !isBelow(await realpath(folder), await realpath(path)))
      throw new StokerError(
        'CONFIG',
        name,
        `${kind} ${shown(name)} is not below ${folder}, where a policy's files have to be`,
      )
    const found = await stat(path)
    if (found.isFile()) return path
    throw new StokerError('CONFIG', name, `${kind} ${shown(name)} is no plain file: ${path}`)
  } catch (cause) {
    if (cause instanceof StokerError) throw cause
    throw cannotRead(kind, name, cause, path)
  }
}

const isBelow = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !way.startsWith(sep)
}

const readText = async (path: string, name: string): Promise<string> => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (cause) {
    throw cannotRead('template', name, cause)
  }
}

const cannotRead = (kind: string, name: string, cause: unknown, path?: string): StokerError => {
  const { code, message } = cause as NodeJS.ErrnoException
  const location = path !== undefined && path !== name ? ` (${path})` : ''
  const why =
    code === 'ENOENT' ? 'there is none' : code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : message
  return new StokerError('CONFIG', name, `cannot read ${kind} ${shown(name)}${location}: ${why}`, { cause })
}
