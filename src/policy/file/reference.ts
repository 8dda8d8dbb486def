/** The reference of policies as Markdown, made of the schemas which parse them. Pure. */
import type { Convergent } from '../../converge/convergent.ts'
import { TYPICAL_FACTS } from '../../converge/facts.ts'
import { type JsonSchema, optionsSchema, policySchemas } from './json-schema.ts'

/** Puts what is made into a text, between `<!-- made: NAME -->` and `<!-- end -->`. */
export const withReference = (markdown: string, actors: readonly Convergent<unknown>[]): string => {
  const { policy, resource } = policySchemas()
  const parts: Readonly<Record<string, () => string>> = {
    policy: () => table('key', policy),
    resource: () => table('key', resource),
    facts: factsTable,
    actors: () => actors.map(actorText).join('\n\n'),
  }
  return markdown.replaceAll(/<!-- made: (\w+) -->\n[\s\S]*?<!-- end -->/g, (whole, name: string) => {
    const make = parts[name]
    return make === undefined ? whole : `<!-- made: ${name} -->\n${make()}\n<!-- end -->`
  })
}

const actorText = (actor: Convergent<unknown>): string =>
  `### ${actor.name}\n\n${sentence(actor.summary)}\n\n${table('option', optionsSchema(actor))}`

const table = (title: string, { properties = {}, required = [] }: JsonSchema): string =>
  rows(
    [title, 'value', ''],
    Object.entries(properties).map(([name, one]) => [
      `\`${name}\``,
      valueText(one) + (required.includes(name) ? ', needed' : ''),
      sentence(one.description ?? ''),
    ]),
  )

const factsTable = (): string => {
  const facts: (readonly string[])[] = []
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, one] of Object.entries(value)) walk(one, `${path}.${key}`)
    else facts.push([`\`${path}\``, Array.isArray(value) ? `a list: \`${value.join('`, `')}\`` : `\`${value}\``])
  }
  walk(TYPICAL_FACTS, 'facts')
  return rows(['name', 'such as'], facts)
}

const rows = (head: readonly string[], body: readonly (readonly string[])[]): string => {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...body.map(line)].join('\n')
}

/** What may be written there, in words. */
const valueText = (schema: JsonSchema): string => {
  const kinds = [...new Set(kindsOf(schema))].filter(kind => kind !== 'nothing')
  // What is true or false may be written in many ways, and permission bits with or without quotes.
  if (kinds.includes('true or false')) return 'true or false'
  return (kinds.length > 1 ? kinds.filter(kind => kind !== 'a number') : kinds).join(' or ')
}

const kindsOf = ({ type, enum: values, anyOf, items, const: only }: JsonSchema): readonly string[] => {
  if (anyOf) return anyOf.flatMap(kindsOf)
  if (only !== undefined) return [`\`${String(only)}\``]
  if (values) return [values.map(value => `\`${String(value)}\``).join(', ')]
  return [type ?? 'any'].flat().map(kind => (kind === 'array' && items ? 'a list' : (KINDS[kind] ?? kind)))
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
  null: 'nothing',
  any: 'anything',
}

/** With a capital letter and a full stop; code at the beginning stays as it is. */
const sentence = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  if (line === '') return ''
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?]$/.test(line) ? '' : '.'}`
}
