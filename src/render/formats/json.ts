/** JSON: `{{name}}` is a JSON string with its quotes, `{{json x}}` any value. Nothing is left to escape by hand. Pure. */
import type { Format } from '../../template/template.ts'
import { WORDS } from './words.ts'

/** Half of a surrogate pair is no text for others, and Kea takes no escape for it: it becomes U+FFFD. */
const text = (value: string): string => JSON.stringify(value.toWellFormed())

/** Any value on one line, with blanks where people put them. */
const json = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`
  if (typeof value === 'string') return text(value)
  if (!isMapping(value)) return JSON.stringify(value)
  const entries = entriesOf(value)
  return entries.length === 0 ? '{}' : `{ ${entries.map(([key, one]) => `${text(key)}: ${json(one)}`).join(', ')} }`
}

/** Any value with each of its lists of mappings one item a line, so a change of one item is a change of one line. */
const tree = (value: unknown, indent: unknown): string => {
  const outer = ' '.repeat(Number(indent))
  const inner = `${outer}  `
  const lines = (open: string, parts: readonly string[], close: string) =>
    `${open}\n${parts.map(part => inner + part).join(',\n')}\n${outer}${close}`
  if (!isDeep(value)) return json(value)
  if (Array.isArray(value))
    return lines(
      '[',
      value.map(one => tree(one, inner.length)),
      ']',
    )
  return lines(
    '{',
    entriesOf(value as object).map(([key, one]) => `${text(key)}: ${tree(one, inner.length)}`),
    '}',
  )
}

const isMapping = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isDeep = (value: unknown): boolean =>
  Array.isArray(value) ? value.some(isMapping) : isMapping(value) && Object.values(value).some(isDeep)

/** As `JSON.stringify` has them: without those which have no value. */
const entriesOf = (value: object): readonly (readonly [string, unknown])[] =>
  Object.entries(value).filter(([, one]) => one !== undefined)

/** Throws an `Error` when the text is no JSON. */
const whole = (text: string): void => {
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new Error(`makes no valid JSON: ${(cause as Error).message}`, { cause })
  }
}

export const JSON_TEXT: Format = { escape: text, helpers: { ...WORDS, json, tree }, whole }

/** JSON with what its reader allows beyond it, such as Kea's comments. */
export const JSON_WITH_COMMENTS: Format = { escape: text, helpers: { ...WORDS, json, tree } }
