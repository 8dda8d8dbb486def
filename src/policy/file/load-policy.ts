/** Policy files -> a policy: the files are read, and everything that can be said without a target is said. */
import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { readText } from '../../config/read-text.ts'
import { parseShape } from '../../config/shape.ts'
import { type Path, parseYaml, type YamlSource } from '../../config/yaml-source.ts'
import type { ActorLibrary } from '../../run/actor.ts'
import type { Policy, Secret } from '../policy.ts'
import { arrange } from './arrange.ts'
import { type Draft, readResource } from './read-resource.ts'
import { policyShape } from './shape.ts'

/** What a policy file in a folder is called. */
const FILE = 'policy.yaml'

/**
 * Reads a policy file, or the `policy.yaml` of a folder, and all it includes. Throws `CONFIG` with file, line, column and
 * key: what is no policy, an actor or an option which is not there, a name which nobody has, and cycles with their path.
 */
export const loadPolicy = async (path: string, actors: ActorLibrary, io: Abortable): Promise<Policy> => {
  const file = await fileOf(path)
  const loader = new Loader(actors, io)
  const top = await loader.load(file, [])
  const { targets } = top
  return {
    name: top.name,
    file,
    targets,
    variables: loader.variables,
    secrets: loader.secrets,
    ...arrange(loader.drafts),
  }
}

const fileOf = async (path: string): Promise<string> => {
  const isFolder = await stat(path).then(
    found => found.isDirectory(),
    () => false, // reading it will say what is wrong
  )
  return isFolder ? join(path, FILE) : path
}

class Loader {
  readonly variables: Record<string, unknown> = {}
  readonly secrets = new Map<string, Secret>()
  readonly drafts: Draft[] = []
  readonly #actors: ActorLibrary
  readonly #io: Abortable
  readonly #loaded = new Set<string>()

  constructor(actors: ActorLibrary, io: Abortable) {
    this.#actors = actors
    this.#io = io
  }

  /** `way`: the files which led here, with their absolute paths. */
  async load(file: string, way: readonly { readonly file: string; readonly path: string }[]) {
    const here = { file, path: resolve(file) }
    const source = parseYaml(await readText(file, this.#io), file)
    const parsed = parseShape(policyShape, source.value ?? {}, ({ path, message, on }) =>
      source.error(path, message, { on }),
    )
    this.#loaded.add(here.path)
    const included = parsed.include ?? []
    for (const [i, name] of included.entries()) {
      const at: Path = Array.isArray((source.value as { include?: unknown }).include) ? ['include', i] : ['include']
      await this.#include(name, source, at, [...way, here])
    }
    const folder = dirname(here.path)
    // What includes comes after what is included, so it has the last word.
    Object.assign(this.variables, parsed.variables)
    for (const [name, secret] of Object.entries(parsed.secrets ?? {}))
      this.secrets.set(name, { source: secret, at: { source, path: ['secrets', name] }, folder })
    const targets = way.length > 0 && parsed.targets !== undefined ? [parsed.targets] : []
    for (const i of (parsed.resources ?? []).keys())
      this.drafts.push(await readResource(source, ['resources', i], { folder, targets, actors: this.#actors }))
    return { name: parsed.name ?? nameOf(here.path, source), targets: parsed.targets }
  }

  async #include(
    name: string,
    source: YamlSource,
    at: Path,
    way: readonly { readonly file: string; readonly path: string }[],
  ): Promise<void> {
    const file = await fileOf(resolve(name) === name ? name : join(dirname(source.file), name))
    const path = resolve(file)
    const from = way.findIndex(one => one.path === path)
    if (from >= 0) {
      const circle = [...way.slice(from).map(one => one.file), file].join(' -> ')
      throw source.error(at, `a policy includes itself: ${circle}`)
    }
    // Two which include the same third get its resources once.
    if (this.#loaded.has(path)) return
    try {
      await this.load(file, way)
    } catch (thrown) {
      // A file which cannot be read says so by its name alone; who asked for it is worth knowing.
      if (
        thrown instanceof StokerError &&
        thrown.subject === file &&
        thrown.message.startsWith(`${file}: cannot be read`)
      )
        throw source.error(at, thrown.message, { cause: thrown })
      throw thrown
    }
  }
}

/** The name of a policy which gives none: its file's, or its folder's where the file is called as all are. */
const nameOf = (path: string, source: YamlSource): string => {
  const name = basename(path) === FILE ? basename(dirname(path)) : basename(path, extname(path))
  const parsed = policyShape.shape.name.safeParse(name)
  if (parsed.success && parsed.data !== undefined) return parsed.data
  throw source.error([], `the policy needs a name:, since ${JSON.stringify(name)} makes none`)
}
