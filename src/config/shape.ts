/**
 * Shapes of configuration data: zod's schemas, with errors which name the key and say what was expected. Warehouses
 * parse their options with `parseOptions`; the configuration adds file, line and column.
 */
import * as z from 'zod'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import { nearest } from '../base/nearest.ts'
import type { OptionsSchema } from './options-schema.ts'
import { formatPath, type Path } from './yaml-source.ts'

/** A mapping which has these keys and no others; a mistyped key is reported with the nearest known one. */
export const mapping = <S extends z.core.$ZodShape>(shape: S) =>
  z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys' ? unknownKey(issue.keys[0] ?? '', Object.keys(shape)) : undefined,
  })

/** Text which is not empty. */
export const text = z.string().min(1, 'is empty')

/** One text or a list of texts, as a list. */
export const texts = z.union([text.transform(one => [one]), z.array(text)], {
  error: 'expected text or a list of texts',
})

/** What is wrong with a value. */
export interface Problem {
  readonly path: Path
  /** Whether the key is wrong, or its value. */
  readonly on: 'key' | 'value'
  readonly message: string
}

/** The value as the schema's type; throws what `fail` makes of the first problem. A key which is mistyped comes before one that is missing. */
export const parseShape = <O>(schema: OptionsSchema<O>, value: unknown, fail: (problem: Problem) => StokerError): O => {
  const parsed = checkShape(schema, value)
  if (parsed.kind === 'value') return parsed.value
  throw fail(parsed.problems[0] ?? { path: [], on: 'value', message: 'is not valid' })
}

/** A value as its schema has it, or all that is wrong with it, mistyped keys first. */
export type Parsed<O> =
  | { readonly kind: 'value'; readonly value: O }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }

export const checkShape = <O>(schema: OptionsSchema<O>, value: unknown): Parsed<O> => {
  if (!(schema instanceof z.ZodType)) return parseByStandard(schema, value)
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return { kind: 'value', value: result.data as O }
  const mistyped = (issue: z.core.$ZodIssue) => (issue.code === 'unrecognized_keys' ? 0 : 1)
  const issues = result.error.issues.toSorted((a, b) => mistyped(a) - mistyped(b))
  return { kind: 'problems', problems: issues.map(issue => problemOf(issue, value)) }
}

/** Other libraries' messages stand as they are. */
const parseByStandard = <O>(schema: OptionsSchema<O>, value: unknown): Parsed<O> => {
  const { vendor, validate } = schema['~standard']
  const result = validate(value)
  if (result instanceof Promise)
    throw new TypeError(`the schema (${vendor}) gives a promise; options are parsed at once`)
  if (!result.issues) return { kind: 'value', value: result.value }
  const problems = result.issues.map(({ message, path = [] }): Problem => {
    const steps = path.map(step => (typeof step === 'object' ? step.key : step))
    return { path: steps.map(step => (typeof step === 'symbol' ? String(step) : step)), on: 'value', message }
  })
  return { kind: 'problems', problems }
}

/** A warehouse's options as the schema's type; throws `CONFIG` with the option as subject: `filters.apache`. */
export const parseOptions = <O>(schema: OptionsSchema<O>, options: unknown): O =>
  parseShape(schema, options, ({ path, message }) => {
    const option = formatPath(path)
    return new StokerError('CONFIG', option, option === '' ? message : `${option}: ${message}`)
  })

const problemOf = (issue: z.core.$ZodIssue, root: unknown): Problem => {
  const path = issue.path.map(step => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code === 'unrecognized_keys')
    return { path: [...path, issue.keys[0] ?? ''], on: 'key', message: issue.message }
  const inner = innerIssue(issue)
  if (inner) return problemOf(inner, root)
  if (issue.code === 'invalid_key') return { path, on: 'key', message: issue.issues[0]?.message ?? issue.message }
  if (issue.input === undefined && path.length > 0) return missing(path, root, expectation(issue))
  return { path, on: 'value', message: sentence(issue) }
}

/** Where a value may be of several kinds and is of one of them: what is wrong with it as that kind. */
const innerIssue = (issue: z.core.$ZodIssue): z.core.$ZodIssue | undefined => {
  if (issue.code !== 'invalid_union') return undefined
  const otherKind = ({ path, code }: z.core.$ZodIssue) =>
    path.length < 2 && (code === 'invalid_type' || code === 'invalid_value')
  const [branch, ...more] = issue.errors.filter(issues => !issues.some(otherKind))
  const inner = more.length > 0 ? undefined : (branch?.find(({ code }) => code === 'unrecognized_keys') ?? branch?.[0])
  return inner && { ...inner, path: [...issue.path, ...inner.path] }
}

/** A key is missing: perhaps it is there, mistyped. */
const missing = (path: Path, root: unknown, expected: string): Problem => {
  const key = String(path.at(-1))
  const parent = path.slice(0, -1)
  const near = nearest(key, Object.keys(valueAt(root, parent) ?? {}), 1)[0]
  if (near !== undefined) return { path: [...parent, near], on: 'key', message: unknownKey(near, [key]) }
  return { path, on: 'value', message: `is missing${expected && `; expected ${expected}`}` }
}

const unknownKey = (key: string, known: readonly string[]): string => {
  const near = synonym(key, known) ?? nearest(key, known, 1)[0]
  const hint = near === undefined ? '' : `; did you mean ${shown(near)}?`
  return `unknown key${hint}${known.length > 1 || near === undefined ? ` (known: ${known.join(', ') || 'none'})` : ''}`
}

/** Words which people bring from other tools, and what those who are meant are called here; the first of them which there is. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  ...{
    src: ['source', 'repository', 'url'],
    from: ['source', 'repository'],
    source: ['repository'],
    repo: ['repository'],
  },
  ...{ path: ['dest', 'file', 'source'], dest: ['path', 'file'], destination: ['dest', 'path'], dst: ['dest', 'path'] },
  ...{ to: ['dest', 'path'], target: ['dest'], file: ['path', 'dest'], user: ['owner', 'name'], perms: ['mode'] },
  ...{ version: ['revision'], rev: ['revision'], checksum: ['sha256'], text: ['content'], enable: ['enabled'] },
}

const synonym = (key: string, known: readonly string[]): string | undefined =>
  SYNONYMS[key.toLowerCase()]?.find(name => known.includes(name))

const sentence = (issue: z.core.$ZodIssue): string => {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return issue.message
  const quotes =
    issue.code === 'invalid_type' && issue.expected === 'string' && ['number', 'boolean'].includes(typeof issue.input)
  // Free text and numbers stay out of the message: they may be a password.
  const given =
    issue.code === 'invalid_value' && typeof issue.input === 'string' ? shown(issue.input) : what(issue.input)
  return `expected ${expectation(issue)}, not ${given}${quotes ? '; put it in quotes' : ''}`
}

const expectation = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_type') return WORDS[issue.expected] ?? issue.expected
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ')
  return issue.message.replace(/^expected /, '')
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
}

/** What kind of thing a value is, in the words of the messages. */
export const what = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return 'a number'
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? (value === '' ? 'empty text' : 'text') : 'a mapping'
}

const valueAt = (root: unknown, path: Path): object | undefined => {
  let value = root
  for (const step of path) value = (value as Record<string | number, unknown> | undefined)?.[step]
  return typeof value === 'object' && value !== null ? value : undefined
}
