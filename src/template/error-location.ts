/** Where in a template something is wrong, and of which item. Pure. */
import type Handlebars from 'handlebars'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import { hintFor } from './missing.ts'

/** What handlebars gives its helpers beside their values. */
export interface Located {
  readonly loc?: hbs.AST.SourceLocation
}

/** Errors in one template, with the place. */
export class ErrorLocation {
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
    const location = loc && line ? `:${line}:${loc.start.column + 1}` : ''
    // What is between the braces says best which value it is about.
    const source = loc && line === loc.end.line ? this.#lines[line - 1]?.slice(loc.start.column, loc.end.column) : ''
    return new StokerError(
      'CONFIG',
      this.#name,
      `${this.#name}${location}: ${source ? `${source}: ` : ''}${message}${this.#item()}`,
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
