/** Errors which show after the configuration was read, with the place they come from in front. Pure. */
import { StokerError } from '../base/errors.ts'
import type { Config } from './config.ts'
import { formatKey, formatPath, type Path } from './yaml-source.ts'

/**
 * An error about an option which is found wrong later, by a warehouse's factory or an actor's parser, as an error
 * of the configuration file. `prefix` is the entry's `path`; the error's `subject` is an option inside it, such as `path`,
 * `filters.apache` or `servers[0]`; a subject which is none of its keys is reported at the entry. Errors of other kinds than
 * `CONFIG` and `ACTOR_OPTION`, and those which are no StokerError, come back as they are.
 */
export const atLocation = (config: Config, prefix: Path, thrown: unknown): unknown => {
  const { source } = config
  if (!source || !(thrown instanceof StokerError)) return thrown
  if (thrown.code !== 'CONFIG' && thrown.code !== 'ACTOR_OPTION') return thrown
  const inside = steps(valueAt(source.value, prefix), thrown.subject)
  const path = [...prefix, ...inside]
  const [before, after] = [`${thrown.subject}: `, thrown.message.slice(thrown.subject.length + 2)]
  const message = thrown.message.startsWith(before)
    ? `${formatPath(prefix)}.${before}${after}`
    : `${formatPath(path)}: ${thrown.message}`
  const on = after.startsWith('unknown key') ? 'key' : 'value'
  return new StokerError(thrown.code, thrown.subject, `${source.formatLocation(path, on)}: ${message}`, {
    cause: thrown,
  })
}

/** As much of a dotted option path as there is in the value. A key may itself have dots: the longest one which fits counts. */
const steps = (value: unknown, rest: string): (string | number)[] => {
  if (rest === '' || typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) {
    const [all, index] = /^\[?(\d+)\]?\.?/.exec(rest) ?? []
    return all === undefined ? [] : [Number(index), ...steps(value[Number(index)], rest.slice(all.length))]
  }
  const fitting = Object.keys(value).flatMap(key =>
    [key, formatKey(key)].flatMap(text => {
      const next = rest[text.length]
      return rest.startsWith(text) && (next === undefined || next === '.' || next === '[') ? [{ key, text }] : []
    }),
  )
  const best = fitting.sort((a, b) => b.text.length - a.text.length)[0]
  if (!best) return []
  const inner = (value as Record<string, unknown>)[best.key]
  return [best.key, ...steps(inner, rest.slice(best.text.length).replace(/^\./, ''))]
}

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, step) => (value as Record<string | number, unknown> | undefined)?.[step], root)
