/** Options with templates -> options -> the desired resource, for one target after the other. */
import { join } from 'node:path'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { parseShape } from '../config/shape.ts'
import { formatPath } from '../config/yaml-source.ts'
import type { Materials } from '../converge/convergent.ts'
import { type DesiredResource, desiredResource } from '../converge/convergent-actor.ts'
import type { Facts } from '../converge/facts.ts'
import { type Sources, sourcesIn } from '../converge/materials.ts'
import type { Target } from '../inventory/target.ts'
import { errorAt, formatLocation, type Resource, type SourceLocation } from './policy.ts'
import { isTemplate, rendered, type SharedValues, textsIn } from './shared-values.ts'

/** One resource on one target, or one of several where it stands for each entry of a list. */
export interface ResourceInstance {
  readonly resource: Resource
  /** The index in `Policy.entries`. */
  readonly index: number
  /** What templates see as `item`. */
  readonly item: unknown
}

/** An instance's options, for people. */
export interface ResourcePreview {
  /** What it is about; `undefined` where that hangs on facts. */
  readonly subject: string | undefined
  readonly options: Readonly<Record<string, unknown>>
  /** The templates which are read for it, with the text that each makes. */
  readonly texts: ReadonlyMap<string, string>
}

type FactsOf = () => Promise<Facts>

export class ResourceCompiler {
  readonly #shared: SharedValues
  readonly #sources = new Map<string, Sources>()

  constructor(shared: SharedValues) {
    this.#shared = shared
  }

  /** Throws `CONFIG` with the place, and the target where it is not the same for all. */
  async compile(instance: ResourceInstance, target: Target, facts: FactsOf, io: Abortable): Promise<DesiredResource> {
    const materials = this.#materials(instance, target, facts, io)
    const { resource } = instance
    const parsed = this.#parsed(resource, await this.#options(resource, materials, target), target)
    try {
      return await desiredResource(resource.actor, parsed, withoutRendering(materials))
    } catch (thrown) {
      if (!(thrown instanceof StokerError) || !['CONFIG', 'ACTOR_OPTION'].includes(thrown.code)) throw thrown
      const at = optionsAt(resource)
      const message = `${formatLocation(at)}: ${formatPath(at.path)}: ${thrown.message} (on ${target.name})`
      throw new StokerError('CONFIG', thrown.subject, message, { cause: thrown })
    }
  }

  async preview(instance: ResourceInstance, target: Target, facts: FactsOf, io: Abortable): Promise<ResourcePreview> {
    const materials = this.#materials(instance, target, facts, io)
    const { resource } = instance
    const options = (await this.#options(resource, materials, target)) as ResourcePreview['options']
    const texts = new Map<string, string>()
    const recording: Materials = {
      ...withoutRendering(materials),
      async template(name) {
        const text = await materials.template(name)
        texts.set(name, text)
        return text
      },
    }
    try {
      const { subject } = await desiredResource(resource.actor, this.#parsed(resource, options, target), recording)
      return { subject, options, texts }
    } catch (thrown) {
      // It passed with typical facts; what stands for unknown ones here need not fit the option.
      if (thrown instanceof StokerError) return { subject: undefined, options, texts }
      throw thrown
    }
  }

  async #options({ actor, options, at }: Resource, materials: Materials, target: Target): Promise<unknown> {
    return await rendered(options, async (text, path) => {
      try {
        return await materials.render(INLINE_TEMPLATE, text)
      } catch (thrown) {
        if (!(thrown instanceof StokerError) || thrown.code !== 'CONFIG') throw thrown
        const message = `${withoutName(thrown.message, text)} (on ${target.name})`
        throw errorAt(at, message, { below: [actor.name, ...path], cause: thrown })
      }
    })
  }

  #parsed(resource: Resource, given: unknown, target: Target): unknown {
    const differs = textsIn(resource.options).some(({ text }) => isTemplate(text))
    return parseShape(resource.actor.schema, given, ({ path, message, on }) =>
      errorAt(optionsAt(resource), `${message}${differs ? ` (on ${target.name})` : ''}`, { below: path, on }),
    )
  }

  #materials(
    { resource: { folder, each }, item }: ResourceInstance,
    target: Target,
    facts: FactsOf,
    io: Abortable,
  ): Materials {
    const sources =
      this.#sources.get(folder) ??
      sourcesIn({ files: join(folder, 'files'), templates: join(folder, 'templates'), confined: true })
    this.#sources.set(folder, sources)
    return sources.materials(target, { facts, variables: { ...this.#shared, ...(each && { item }) } }, io)
  }
}

const optionsAt = ({ at, actor }: Resource): SourceLocation => ({ ...at, path: [...at.path, actor.name] })

/** Every text of the options has been rendered by then: braces in it came with a value, and are no template of anybody's. */
const withoutRendering = (materials: Materials): Materials => ({ ...materials, render: async (_, text) => text })

/** What a template in the options is called in messages; it is taken out of them, since the place in the file says more. */
const INLINE_TEMPLATE = 'template'

const withoutName = (message: string, text: string): string =>
  message.replace(/^template:(\d+):\d+: /, (_, line) =>
    text.trimEnd().includes('\n') ? `line ${line} of the text: ` : '',
  )
