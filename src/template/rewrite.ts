/** What becomes of a template between its text and its code. Pure. */
import Handlebars from 'handlebars'
import { nearest } from '../base/nearest.ts'
import type { ErrorLocation } from './error-location.ts'

// No path in a template can be called so.
export const ESCAPE = ' escape'
export const RAW = ' raw'

/** Names of what every object has; reading them would give no value of anybody's. */
const INHERITED = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])

/** Sends every value through the escaping, and looks at every path. */
export class Rewrite extends Handlebars.Visitor {
  readonly #at: ErrorLocation
  readonly #helpers: readonly string[]
  readonly #paths: string[]
  /** The names of helpers where they are called. */
  readonly #calls = new Set<object>()

  constructor(at: ErrorLocation, helpers: readonly string[], paths: string[]) {
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
