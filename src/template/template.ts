/**
 * Templates: handlebars, strict. A key which is not there is an error with its line, never an empty place; every value
 * goes through its format's escaping, unless the template's author writes `{{{ }}}`. Pure.
 */
import Handlebars from 'handlebars'
import { StokerError } from '../errors.ts'
import { shown } from '../names.ts'
import { nearest } from '../nearest.ts'
import { hintFor } from './missing.ts'
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
  const at = new Place(name, text)
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

const compile = (at: Place, text: string, format: Format, trace?: Trace): Compiled => {
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

// No path in a template can be called so.
const ESCAPE = ' escape'
const RAW = ' raw'

interface Located {
  readonly loc?: hbs.AST.SourceLocation
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

/** Errors in one template, with the place. */
class Place {
  readonly #name: string
  readonly #lines: readonly string[]
  readonly #paths = new Map<string, hbs.AST.PathExpression>()
  /** The items of the loops which are running, outermost first. */
  readonly #items: unknown[] = []

  constructor(name: string, text: string) {
    this.#name = name
    this.#lines = text.split('\n')
  }

  error(loc: hbs.AST.SourceLocation | undefined, message: string, cause?: unknown): StokerError {
    const line = loc?.start.line
    const place = loc && line ? `:${line}:${loc.start.column + 1}` : ''
    // What is between the braces says best which value it is about.
    const source = loc && line === loc.end.line ? this.#lines[line - 1]?.slice(loc.start.column, loc.end.column) : ''
    return new StokerError(
      'CONFIG',
      this.#name,
      `${this.#name}${place}: ${source ? `${source}: ` : ''}${message}${this.#item()}`,
      { cause },
    )
  }

  /** Notes which path a statement reads. */
  reads({ start }: hbs.AST.SourceLocation, path: hbs.AST.Node | undefined): void {
    if (path?.type === 'PathExpression')
      this.#paths.set(`${start.line}:${start.column}`, path as hbs.AST.PathExpression)
  }

  /** The value of a statement; throws when there is none, and says which key of `data` may be meant. */
  present(value: unknown, loc: hbs.AST.SourceLocation | undefined, data: unknown): unknown {
    if (value !== undefined) return value
    const path = loc && this.#paths.get(`${loc.start.line}:${loc.start.column}`)
    const hint = path && !path.data && path.depth === 0 ? hintFor(path.parts.map(String), data) : ''
    throw new Error(`there is no such key${hint}`)
  }

  lineError(line: number | undefined, message: string): StokerError {
    return new StokerError('CONFIG', this.#name, `${this.#name}${line === undefined ? '' : `:${line}`}: ${message}`)
  }

  /** A loop's body, which remembers what it is at. */
  inside(body: Handlebars.TemplateDelegate): Handlebars.TemplateDelegate {
    return (item, options) => {
      this.#items.push(item)
      try {
        return body(item, options)
      } finally {
        this.#items.pop()
      }
    }
  }

  /** Which item a value is wrong of: its name, and where it comes from. */
  #item(): string {
    const item = this.#items.findLast((one): one is Item => typeof (one as Item | undefined)?.name === 'string')
    if (item === undefined) return ''
    const id = item.origin?.id
    return ` (${shown(item.name)}${typeof id === 'string' && id !== item.name ? `, from ${shown(id)}` : ''})`
  }

  /** Runs a helper; what it throws gets the place. */
  calling<T>(loc: hbs.AST.SourceLocation | undefined, work: () => T): T {
    try {
      return work()
    } catch (cause) {
      if (cause instanceof StokerError) throw cause
      throw this.error(loc, (cause as Error).message, cause)
    }
  }

  /** Runs handlebars' parser, whose errors name a line at best. */
  parsing<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      if (cause instanceof StokerError) throw cause
      const { message, lineNumber, column } = cause as Error & { lineNumber?: number; column?: number }
      const [, parsed, shown] = /^Parse error on line (\d+):\n(.*)\n-*\^\n/s.exec(message) ?? []
      const line = lineNumber ?? Number(parsed ?? 0)
      const start = { line, column: column ?? 0 }
      const text = parsed === undefined ? message : `is not complete, or has a brace too many: ${shown}`
      throw this.error(line > 0 ? { source: '', start, end: { line: 0, column: 0 } } : undefined, text, cause)
    }
  }
}

interface Item {
  readonly name: string
  readonly origin?: { readonly id?: unknown }
}

/** Names of what every object has; reading them would give no value of anybody's. */
const INHERITED = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])

/** Sends every value through the escaping, and looks at every path. */
class Rewrite extends Handlebars.Visitor {
  readonly #at: Place
  readonly #helpers: readonly string[]
  readonly #paths: string[]
  /** The names of helpers where they are called. */
  readonly #calls = new Set<object>()

  constructor(at: Place, helpers: readonly string[], paths: string[]) {
    super()
    this.#at = at
    this.#helpers = helpers
    this.#paths = paths
  }

  override MustacheStatement(mustache: hbs.AST.MustacheStatement): void {
    const called = this.#called(mustache)
    super.MustacheStatement(mustache)
    this.#at.reads(mustache.loc, called === undefined ? mustache.path : undefined)
    if (called !== undefined && called !== 'lookup') return
    const writer = mustache.escaped ? ESCAPE : RAW
    const { path, params, hash, loc } = mustache
    const value = called === undefined ? path : { type: 'SubExpression', path, params, hash, loc }
    mustache.params = [value as hbs.AST.Expression]
    mustache.path = { type: 'PathExpression', data: false, depth: 0, parts: [writer], original: writer, loc }
  }

  override BlockStatement(block: hbs.AST.BlockStatement): void {
    this.#called(block)
    super.BlockStatement(block)
    this.#at.reads(block.loc, block.params[0])
  }

  override SubExpression(expression: hbs.AST.SubExpression): void {
    this.#called(expression)
    super.SubExpression(expression)
  }

  override PathExpression(path: hbs.AST.PathExpression): void {
    const inherited = path.parts.find(part => typeof part === 'string' && INHERITED.has(part))
    if (inherited !== undefined) throw this.#at.error(path.loc, `there is no key ${inherited}`)
    if (!this.#calls.has(path)) this.#paths.push(path.original)
  }

  override PartialStatement(partial: hbs.AST.PartialStatement): void {
    throw this.#at.error(partial.loc, 'templates do not include others')
  }

  override PartialBlockStatement(partial: hbs.AST.PartialBlockStatement): void {
    throw this.#at.error(partial.loc, 'templates do not include others')
  }

  override DecoratorBlock(block: hbs.AST.DecoratorBlock): void {
    throw this.#at.error(block.loc, 'decorators are not taken')
  }

  override Decorator(decorator: hbs.AST.Decorator): void {
    throw this.#at.error(decorator.loc, 'decorators are not taken')
  }

  /** The helper which a node calls; `undefined` when it is a plain value: `{{name}}` is one, whatever helpers there are. */
  #called({ type, path, params, hash }: Call): string | undefined {
    if (type === 'MustacheStatement' && params.length === 0 && !hash) return undefined
    const word = path.type === 'PathExpression' ? (path as hbs.AST.PathExpression).original : undefined
    if (word !== undefined && this.#helpers.includes(word)) {
      this.#calls.add(path)
      return word
    }
    const [near] = nearest(String(word), this.#helpers, 1)
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    throw this.#at.error(path.loc, `there is no helper ${word}${hint} (helpers: ${this.#helpers.join(', ')})`)
  }
}

type Call = hbs.AST.MustacheStatement | hbs.AST.BlockStatement | hbs.AST.SubExpression
