/** Options with templates -> options -> what is wished for, for one target after the other. */
import { join } from 'node:path'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { parseShape } from '../config/shape.ts'
import { formatPath } from '../config/yaml-source.ts'
import type { Materials } from '../converge/convergent.ts'
import { type Resource as Ready, resourceOf } from '../converge/convergent-actor.ts'
import type { Facts } from '../converge/facts.ts'
import { type Sources, sourcesIn } from '../converge/materials.ts'
import type { Target } from '../inventory/target.ts'
import { errorAt, type Place, placeText, type Resource } from './policy.ts'
import { isTemplate, rendered, type SharedValues, textsIn } from './values.ts'

/** One resource on one target, or one of several where it stands for each entry of a list. */
export interface Unit {
  readonly resource: Resource
  /** The index in `Policy.entries`. */
  readonly index: number
  /** What templates see as `item`. */
  readonly item: unknown
}

/** What a unit asks for, for people. */
export interface Preview {
  /** What it is about; `undefined` where that hangs on facts. */
  readonly subject: string | undefined
  readonly options: Readonly<Record<string, unknown>>
  /** The templates which are read for it, with the text that each makes. */
  readonly texts: ReadonlyMap<string, string>
}

type FactsOf = () => Promise<Facts>

export class Wisher {
  readonly #shared: SharedValues
  readonly #sources = new Map<string, Sources>()

  constructor(shared: SharedValues) {
    this.#shared = shared
  }

  /** Throws `CONFIG` with the place, and the target where it is not the same for all. */
  async wish(unit: Unit, target: Target, facts: FactsOf, io: Abortable): Promise<Ready> {
    const materials = this.#materials(unit, target, facts, io)
    const { resource } = unit
    const parsed = this.#parsed(resource, await this.#options(resource, materials, target), target)
    try {
      return await resourceOf(resource.actor, parsed, asGiven(materials))
    } catch (thrown) {
      if (!(thrown instanceof StokerError) || !['CONFIG', 'ACTOR_OPTION'].includes(thrown.code)) throw thrown
      const at = optionsAt(resource)
      const message = `${placeText(at)}: ${formatPath(at.path)}: ${thrown.message} (on ${target.name})`
      throw new StokerError('CONFIG', thrown.subject, message, { cause: thrown })
    }
  }

  async preview(unit: Unit, target: Target, facts: FactsOf, io: Abortable): Promise<Preview> {
    const materials = this.#materials(unit, target, facts, io)
    const { resource } = unit
    const options = (await this.#options(resource, materials, target)) as Preview['options']
    const texts = new Map<string, string>()
    const noting: Materials = {
      ...asGiven(materials),
      async template(name) {
        const text = await materials.template(name)
        texts.set(name, text)
        return text
      },
    }
    try {
      const { subject } = await resourceOf(resource.actor, this.#parsed(resource, options, target), noting)
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
        return await materials.render(TEXT, text)
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

  #materials({ resource: { folder, each }, item }: Unit, target: Target, facts: FactsOf, io: Abortable): Materials {
    const sources =
      this.#sources.get(folder) ??
      sourcesIn({ files: join(folder, 'files'), templates: join(folder, 'templates'), confined: true })
    this.#sources.set(folder, sources)
    return sources.materials(target, { facts, variables: { ...this.#shared, ...(each && { item }) } }, io)
  }
}

const optionsAt = ({ at, actor }: Resource): Place => ({ ...at, path: [...at.path, actor.name] })

/** Every text of the options has been rendered by then: braces in it came with a value, and are no template of anybody's. */
const asGiven = (materials: Materials): Materials => ({ ...materials, render: async (_, text) => text })

/** What a template in the options is called in messages; it is taken out of them, since the place in the file says more. */
const TEXT = 'template'

const withoutName = (message: string, text: string): string =>
  message.replace(/^template:(\d+):\d+: /, (_, line) =>
    text.trimEnd().includes('\n') ? `line ${line} of the text: ` : '',
  )
