/** An actor's argument against its schema, with errors which name the option. */
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import type { OptionsSchema } from '../config/options-schema.ts'
import { parseShape } from '../config/shape.ts'

/** The argument as the schema's type; throws `ACTOR_OPTION` naming the first option that is wrong and what was expected. */
export const parseOptions = <O>(actor: string, schema: OptionsSchema<O>, argument: unknown): O => {
  const given = argument === undefined || argument === '' ? {} : argument
  return parseShape(schema, given, ({ path, message }) => {
    const option = path.join('.')
    return new StokerError(
      'ACTOR_OPTION',
      option || actor,
      `actor ${actor}${option ? `, option ${shown(option)}` : ''}: ${message}`,
    )
  })
}

/** `key=value` words as an object; throws `ACTOR_OPTION` naming a word which is not of that form, or comes twice. */
export const optionWords = (actor: string, words: readonly string[]): Readonly<Record<string, string>> => {
  const options = new Map<string, string>()
  for (const word of words) {
    const at = word.indexOf('=')
    if (at < 1)
      throw new StokerError('ACTOR_OPTION', word, `actor ${actor} takes options as KEY=VALUE; ${shown(word)} is none`)
    const key = word.slice(0, at)
    if (options.has(key)) throw new StokerError('ACTOR_OPTION', key, `actor ${actor}: option ${key} is given twice`)
    options.set(key, word.slice(at + 1))
  }
  return Object.fromEntries(options)
}
