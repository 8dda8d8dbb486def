/** One entry of a policy's list: which actor, with which options, and what stands beside. */

import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import { checkShape, parseShape, what } from '../../config/shape.ts'
import type { Path, YamlSource } from '../../config/yaml-source.ts'
import type { Convergent } from '../../converge/convergent.ts'
import type { ActorLibrary } from '../../run/actor.ts'
import { compileSource } from '../../template/plain-format.ts'
import { parseCondition } from '../condition/condition.ts'
import { errorAt, type Resource, type SourceLocation, valueAtLocation } from '../policy.ts'
import { isTemplate, NAME_ROOTS, textsIn } from '../shared-values.ts'
import { RESOURCE_KEYS, type ResourceKeys, resourceShape } from './shape.ts'

/** An entry which does not know its neighbours yet: they are still names. */
export type Draft =
  | { readonly kind: 'flush' }
  | (Omit<Resource, 'after' | 'onChange' | 'calls' | 'calledBy' | 'handler'> & {
      readonly names: Readonly<Record<'after' | 'notify' | 'on-change', readonly string[]>>
    })

export interface ResourceContext {
  readonly folder: string
  /** Of the policy file, where it is included. */
  readonly targets: readonly string[]
  readonly actors: ActorLibrary
}

/** Reads the entry at the path. Throws `CONFIG` with the place. */
export const readResource = async (source: YamlSource, path: Path, context: ResourceContext): Promise<Draft> => {
  const at: SourceLocation = { source, path }
  const entry = valueAtLocation(at)
  if (entry === 'flush') return { kind: 'flush' }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw errorAt(at, `expected a resource such as "file: {path: /etc/motd, ...}", or flush, not ${what(entry)}`)
  const name = actorKey(entry, at, context.actors.names)
  const { [name]: given, ...beside } = entry as Record<string, unknown>
  const keys: ResourceKeys = parseShape(resourceShape, beside, ({ path: below, message, on }) =>
    errorAt(at, message, { below, on }),
  )
  const actor = await convergentActor(name, at, context.actors)
  const options = optionsOf(given, at, name)
  checkTemplates(options, { source, path: [...path, name] })
  const parsed = parseStatic(actor, options, { source, path: [...path, name] })
  return {
    kind: 'resource',
    id: keys.name ?? defaultId(actor, options, parsed),
    named: keys.name !== undefined,
    actor,
    options,
    at,
    folder: context.folder,
    targets: [...context.targets, ...(keys.targets === undefined ? [] : [keys.targets])],
    when: keys.when === undefined ? undefined : conditionOf(keys.when, at, keys.each !== undefined),
    each: keys.each === undefined ? undefined : listPath(keys.each, at),
    tags: keys.tags ?? [],
    names: { after: keys.after ?? [], notify: keys.notify ?? [], 'on-change': keys['on-change'] ?? [] },
  }
}

/** The one key which is an actor's name. */
const actorKey = (entry: object, at: SourceLocation, actors: readonly string[]): string => {
  const others = Object.keys(entry).filter(key => !Object.hasOwn(RESOURCE_KEYS, key))
  const [first, second] = others.filter(key => actors.includes(key))
  const unknown = others.find(key => !actors.includes(key))
  if (first !== undefined && second !== undefined)
    throw errorAt(at, `${first} and ${second} in one entry; make it two`, { below: [second], on: 'key' })
  if (unknown !== undefined) throw errorAt(at, unknownKey(unknown, first, actors), { below: [unknown], on: 'key' })
  if (first !== undefined) return first
  throw errorAt(at, `names no actor; an entry is such as "file: {path: /etc/motd, ...}" (actors: ${actors.join(', ')})`)
}

const unknownKey = (key: string, actor: string | undefined, actors: readonly string[]): string => {
  const keys = Object.keys(RESOURCE_KEYS)
  const [near] = nearest(key, actor === undefined ? [...actors, ...keys] : keys, 1)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return actor === undefined
    ? `there is no actor ${shown(key)}${hint} (actors: ${actors.join(', ')})`
    : `unknown key${hint} (beside ${actor}: ${keys.join(', ')})`
}

const convergentActor = async (
  name: string,
  at: SourceLocation,
  actors: ActorLibrary,
): Promise<Convergent<unknown, unknown>> => {
  const { convergent } = await actors.actor(name)
  if (convergent) return convergent
  throw errorAt(
    at,
    `actor ${name} states no wanted state, so no policy can have it; "command" runs one with creates, unless or onlyif`,
    {
      below: [name],
      on: 'key',
    },
  )
}

const optionsOf = (given: unknown, at: SourceLocation, name: string): Readonly<Record<string, unknown>> => {
  if (given === null || given === undefined) return {}
  if (typeof given === 'object' && !Array.isArray(given)) return given as Record<string, unknown>
  throw errorAt(at, `expected a mapping of options, not ${what(given)}`, { below: [name] })
}

/** What is no template at all, or calls a helper which is not there, is wrong whatever the values. */
const checkTemplates = (options: Readonly<Record<string, unknown>>, at: SourceLocation): void => {
  for (const { path, text } of textsIn(options))
    if (isTemplate(text)) {
      try {
        compileSource('template', text)
      } catch (thrown) {
        throw errorAt(at, (thrown as Error).message, { below: path, cause: thrown })
      }
    }
}

/** The options as the actor has them; `undefined` where they hold templates: then as much as can be said is checked. */
const parseStatic = (
  actor: Convergent<unknown, unknown>,
  options: Readonly<Record<string, unknown>>,
  at: SourceLocation,
): unknown => {
  const certain = !textsIn(options).some(({ text }) => isTemplate(text))
  const parsed = checkShape(actor.schema, options)
  if (parsed.kind === 'value') return parsed.value
  const problem = parsed.problems.find(({ path, on }) => certain || on === 'key' || isPlain(options, path))
  if (problem) throw errorAt(at, problem.message, { below: problem.path, on: problem.on })
  return undefined
}

/** Whether the value at the path is there, and no template: then what is wrong with it is wrong everywhere. */
const isPlain = (options: unknown, path: Path): boolean => {
  if (path.length === 0) return false
  const value = (options as Record<string, unknown>)[String(path[0])]
  return value === undefined || !textsIn(value).some(({ text }) => isTemplate(text))
}

/** Texts may be templates, so the subject is made of what stands there. */
const defaultId = (
  actor: Convergent<unknown, unknown>,
  options: Readonly<Record<string, unknown>>,
  parsed: unknown,
): string => {
  const [first] = textsIn(options)
  let subject = first?.text ?? ''
  try {
    subject = actor.subject(parsed ?? options)
  } catch (thrown) {
    // Options which are no options yet may not have what the actor looks for: the first text says enough.
    if (parsed !== undefined) throw thrown
  }
  return subject === '' ? actor.name : `${actor.name} ${subject}`
}

const conditionOf = (text: string, at: SourceLocation, hasItem: boolean) => {
  try {
    return parseCondition(text, hasItem ? [...NAME_ROOTS, 'item'] : NAME_ROOTS)
  } catch (thrown) {
    throw errorAt(at, (thrown as Error).message, { below: ['when'], cause: thrown })
  }
}

const listPath = (text: string, at: SourceLocation): readonly string[] => {
  const path = text.split('.')
  const [root = ''] = path
  if (['vars', 'node', 'nodes', 'facts'].includes(root) && !path.includes('')) return path
  throw errorAt(at, `expected the name of a list, such as vars.users or nodes, not ${shown(text)}`, { below: ['each'] })
}
