/** From the name of an action to the actor and its options: built-in actors, third parties', and actions of the configuration. */
import { StokerError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { atLocation } from '../config/at-location.ts'
import type { ActionEntry, Config } from '../config/config.ts'
import { splitWords } from '../config/split-words.ts'
import type { Actor } from '../run/actor.ts'
import { optionWords } from '../run/actor-options.ts'
import { ACTORS } from './built-in.ts'
import { loadCode } from './load-code.ts'

/** An actor and the options for it, ready to be scheduled. */
export interface Action {
  readonly actor: Actor
  readonly options: unknown
}

/** An actor and an argument for it which has not been parsed, but can be. */
export interface Order {
  readonly name: string
  readonly actor: Actor
  readonly argument: string | Readonly<Record<string, unknown>>
}

/** The names of all actors. */
export const actorNames = (config: Config): readonly string[] => [...Object.keys(ACTORS), ...config.actors.keys()]

/** An actor, or a named action of the configuration, with what stands after `--`. Throws `UNKNOWN_ACTION` or `ACTOR_OPTION`. */
export const findAction = async (config: Config, name: string, words: readonly string[]): Promise<Action> => {
  const named = config.actions.get(name)
  try {
    const { actor, argument } = await findArgument(config, name, named, words)
    return { actor, options: actor.parse(argument) }
  } catch (thrown) {
    throw named ? atLocation(config, named.path, thrown) : thrown
  }
}

/** The same for whoever runs it elsewhere: the actor and its argument as it was given. Throws also what `parse` would. */
export const findOrder = async (config: Config, name: string, words: readonly string[]): Promise<Order> => {
  const named = config.actions.get(name)
  try {
    const { actor, argument } = await findArgument(config, name, named, words)
    actor.parse(argument)
    if (ACTORS[actor.name] && actor.connects) return { name, actor, argument }
    const why = actor.connects ? 'is not built in, and agents have no others' : 'acts from the machine it is started on'
    throw new StokerError('USAGE', name, `actor ${actor.name} cannot be sent: it ${why}`)
  } catch (thrown) {
    throw named ? atLocation(config, named.path, thrown) : thrown
  }
}

const findArgument = async (
  config: Config,
  name: string,
  named: ActionEntry | undefined,
  words: readonly string[],
): Promise<Pick<Order, 'actor' | 'argument'>> => {
  const actor = await findActor(config, named ? named.actor : name)
  if (named?.argument === undefined) return { actor, argument: argumentOf(actor, words) }
  if (words.length > 0)
    throw new StokerError('USAGE', name, `action ${name} has its argument in the configuration; it takes none after --`)
  const { argument } = named
  const asOptions = actor.takes === 'options' && typeof argument === 'string'
  return { actor, argument: asOptions ? wordsAsOptions(actor, splitWords(argument)) : argument }
}

const argumentOf = (actor: Actor, words: readonly string[]): Order['argument'] =>
  actor.takes === 'options' ? wordsAsOptions(actor, words) : words.join(' ')

const wordsAsOptions = (actor: Actor, words: readonly string[]): Readonly<Record<string, unknown>> =>
  actor.words ? actor.words(words) : optionWords(actor.name, words)

/** The actor of that name. Throws `UNKNOWN_ACTION`, or `CONFIG` when it cannot be loaded. */
export const findActor = async (config: Config, name: string): Promise<Actor> => {
  const builtIn = ACTORS[name]
  if (builtIn) return await builtIn()
  const entry = config.actors.get(name)
  if (!entry) throw unknownAction(config, name)
  try {
    return checked(await loadCode(entry.code, 'actor', config.folder), name)
  } catch (thrown) {
    throw atLocation(config, entry.path, thrown)
  }
}

/** As much of a third party's actor as can be seen without running it. */
const checked = (loaded: unknown, name: string): Actor => {
  const actor = loaded as Partial<Actor> | null
  if (typeof actor === 'object' && typeof actor?.parse === 'function' && typeof actor.act === 'function') {
    return {
      ...(actor as Actor),
      name: actor.name ?? name,
      takes: actor.takes ?? 'text',
      connects: actor.connects ?? true,
    }
  }
  throw new StokerError('CONFIG', name, `actor ${name}: "actor" must be an object with the functions parse and act`)
}

const unknownAction = (config: Config, name: string): StokerError => {
  const known = [...actorNames(config), ...config.actions.keys()]
  const near = nearest(name, known)
  const hint = near.length > 0 ? `did you mean ${near.join(', ')}? ` : ''
  return new StokerError('UNKNOWN_ACTION', name, `no actor or action ${name}; ${hint}(there is: ${known.join(', ')})`)
}
