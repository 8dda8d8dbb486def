/**
 * Templates: handlebars, strict. A key which is not there is an error with its line, never an empty place; every value
 * goes through its format's escaping, unless the template's author writes `{{{ }}}`. Pure.
 */
import Handlebars from 'handlebars'
import { shown } from '../base/names.ts'
import { ErrorLocation, type Located } from './error-location.ts'
import { ESCAPE, RAW, Rewrite } from './rewrite.ts'
import { Trace } from './trace.ts'

/** What one kind of file asks of a value that stands in it. */
export interface Format {
  /** A value as it may stand in the file by itself; throws an `Error` which says what is wrong with it. */
  readonly escape: (value: string) => string
  /** More ways to write values, by name: `{{quoted name}}`. What they return stands in the file as it is. */
  readonly helpers?: Readonly<Record<string, Helper>>
  /** The longest line which its reader takes whole, in bytes without the line's end. */
  readonly maxLine?: number
  /** Looks at the text as a whole; throws an `Error` which says what is wrong with it. */
  readonly whole?: (text: string) => void
}

/** Gets values (never `undefined`), returns text; throws an `Error` which says what is wrong with them. */
export type Helper = (...values: readonly unknown[]) => string

export interface Template {
  readonly name: string
  /** The paths which the template reads, as written: `facts.os`, `this.name`, `../mask`. */
  readonly paths: readonly string[]
  /** The text for this data; throws `CONFIG` with the template's name, line and column: a missing key, a value which does not fit. */
  render(data: object): string
  /** The template's line for each line of `render(data)`, from 1: for a program's complaint about "line 12". */
  lines(data: object): readonly number[]
}

/** Text in, the same text out: for files without a grammar of ours. */
export const PLAIN: Format = { escape: value => value }

/** `name` stands in messages. Throws `CONFIG` with line and column when the text is no template, or names an unknown helper. */
export const compileTemplate = (name: string, text: string, format: Format = PLAIN): Template => {
  const at = new ErrorLocation(name, text)
  const { paths, run } = compile(at, text, format)
  const lines = (data: object): readonly number[] => {
    const trace = new Trace()
    compile(at, text, format, trace).run(data)
    return trace.lines
  }
  const render = (data: object): string => {
    const result = run(data)
    const { maxLine, whole } = format
    if (maxLine !== undefined) {
      const all = result.split('\n')
      const long = all.findIndex(line => line.length > maxLine / 3 && Buffer.byteLength(line) > maxLine)
      const what = `makes a line of more than ${maxLine} bytes, which its reader would cut: ${shown(all[long] ?? '')}`
      if (long >= 0) throw at.lineError(lines(data)[long], what)
    }
    try {
      whole?.(result)
    } catch (cause) {
      throw at.error(undefined, (cause as Error).message, cause)
    }
    return result
  }
  return { name, paths, render, lines }
}

interface Compiled {
  readonly paths: readonly string[]
  readonly run: (data: object) => string
}

const compile = (at: ErrorLocation, text: string, format: Format, trace?: Trace): Compiled => {
  const engine = Handlebars.create()
  const own = { ...LOGIC, join: joining(format), ...format.helpers }
  const helpers = { ...BLOCKS, ...own }
  for (const [word, helper] of Object.entries(own))
    engine.registerHelper(word, (...args) => {
      const { loc, hash } = args.pop() as Handlebars.HelperOptions & Located
      if (hash && Object.keys(hash).length > 0) throw at.error(loc, `helper ${word} takes no KEY=VALUE`)
      return at.calling(loc, () => helper(...args.map(value => present(value))))
    })
  for (const [word, write] of [
    [ESCAPE, format.escape],
    [RAW, PLAIN.escape],
  ] as const)
    engine.registerHelper(word, function (this: unknown, value: unknown, { loc }: Located) {
      return at.calling(loc, () => write(textOf(at.present(value, loc, this))))
    })
  for (const word of ['each', 'with'] as const) {
    const original = engine.helpers[word] as Handlebars.HelperDelegate
    engine.registerHelper(word, function (this: unknown, value: unknown, options: Handlebars.HelperOptions & Located) {
      at.calling(options.loc, () => at.present(value, options.loc, this))
      return original.call(this, value, { ...options, fn: at.inside(options.fn) })
    })
  }
  const paths: string[] = []
  const program = at.parsing(() => engine.parse(text))
  new Rewrite(at, Object.keys(helpers), paths).accept(program)
  const words = [...Object.keys(helpers), ESCAPE, RAW, ...(trace?.attach(engine, program) ?? [])]
  const run = engine.compile(program, {
    noEscape: true,
    knownHelpersOnly: true,
    knownHelpers: Object.fromEntries(words.map(word => [word, true])),
  })
  return { paths, run }
}

/** Blocks of handlebars' own. `if` and `unless` may ask for a key which is not there: that is what they are for. */
const BLOCKS = { each: true, with: true, if: true, unless: true, lookup: true }

/** Comparisons, for `{{#if (eq a b)}}`; what is no text is truth. */
const LOGIC: Readonly<Record<string, (...values: readonly unknown[]) => unknown>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  and: (...values) => values.every(Boolean),
  or: (...values) => values.some(Boolean),
  not: value => !value,
}

/** `{{join addresses ", "}}`: every item through the escaping, with the separator between them. */
const joining =
  ({ escape: write }: Format): Helper =>
  (list, separator) => {
    if (!Array.isArray(list)) throw new Error('it is no list')
    if (typeof separator !== 'string') throw new Error('its second word is the separator: {{join names ", "}}')
    return list.map(item => write(textOf(item))).join(separator)
  }

const present = (value: unknown): unknown => {
  if (value === undefined) throw new Error('there is no such key')
  return value
}

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  throw new Error(
    value === null ? 'it is empty (null)' : `it is ${Array.isArray(value) ? 'a list' : 'a mapping'}, not text`,
  )
}
