/** An actor's argument against its schema, with errors which name the option. */
import type { z } from 'zod'
import { StokerError } from './errors.ts'
import { shown } from './names.ts'
import { nearest } from './nearest.ts'

/** The argument as the schema's type; throws `ACTOR_OPTION` naming the first option that is wrong and what was expected. */
export const parseOptions = <S extends z.ZodObject>(actor: string, schema: S, argument: unknown): z.output<S> => {
  const known = Object.keys(schema.shape)
  const given = argument === undefined || argument === '' ? {} : argument
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw shapeless(actor, known)
  const result = schema.strict().safeParse(given)
  if (result.success) return result.data as z.output<S>
  const [issue] = result.error.issues
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const near = nearest(key, known, 1)
    const hint = near.length > 0 ? `; did you mean ${near[0]}?` : ''
    const all = known.length > 0 ? ` (options: ${known.join(', ')})` : ''
    throw new StokerError('ACTOR_OPTION', key, `actor ${actor} has no option ${shown(key)}${hint}${all}`)
  }
  const option = issue?.path.join('.') ?? ''
  throw new StokerError('ACTOR_OPTION', option, `actor ${actor}, option ${option}: ${issue?.message ?? 'not valid'}`)
}

const shapeless = (actor: string, known: readonly string[]): StokerError =>
  new StokerError('ACTOR_OPTION', actor, `actor ${actor} takes options as KEY=VALUE, such as ${known[0] ?? 'name'}=...`)

/** `key=value` words as an object; throws `ACTOR_OPTION` naming a word which is not of that form, or comes twice. */
export const optionWords = (actor: string, words: readonly string[]): Readonly<Record<string, string>> => {
  const options = new Map<string, string>()
  for (const word of words) {
    const at = word.indexOf('=')
    if (at < 1) throw new StokerError('ACTOR_OPTION', word, `actor ${actor} takes options as KEY=VALUE; ${shown(word)} is none`)
    const key = word.slice(0, at)
    if (options.has(key)) throw new StokerError('ACTOR_OPTION', key, `actor ${actor}: option ${key} is given twice`)
    options.set(key, word.slice(at + 1))
  }
  return Object.fromEntries(options)
}
