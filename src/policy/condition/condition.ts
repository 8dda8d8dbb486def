/**
 * `when:`: a comparison of facts, attributes and variables, in a grammar of its own. It is data, never code. Pure.
 *
 *     or     = and { "or" and }
 *     and    = not { "and" not }
 *     not    = "not" not | test
 *     test   = "(" or ")" | operand [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" ) operand ]
 *     operand = name | number | "text" | 'text' | word | true | false | "[" operand { "," operand } "]"
 */
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import { type Comparison, compare, isAmong, isTrue, type Known } from './comparison.ts'

export type Condition =
  | { readonly kind: 'name'; readonly path: readonly string[] }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'list'; readonly items: readonly Condition[] }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }

/** The values which a condition can speak of, by their first word: `facts`, `node`, `vars`. */
export type Names = Readonly<Record<string, unknown>>

/** `roots`: the first words of names. Throws `CONFIG` with the column and what was expected. */
export const parseCondition = (text: string, roots: readonly string[]): Condition => {
  const tokens = tokenize(text)
  const parser = new Parser(text, tokens, roots)
  return parser.parse()
}

/**
 * Whether it holds; `undefined`: it hangs on a name whose first word is not among `names`, as facts before they are
 * gathered. A name which has no value equals nothing, and is not true.
 */
export const holds = (condition: Condition, names: Names): boolean | undefined => {
  switch (condition.kind) {
    case 'and': {
      const [left, right] = [holds(condition.left, names), holds(condition.right, names)]
      if (left === false || right === false) return false
      return left === undefined || right === undefined ? undefined : true
    }
    case 'or': {
      const [left, right] = [holds(condition.left, names), holds(condition.right, names)]
      if (left || right) return true
      return left === undefined || right === undefined ? undefined : false
    }
    case 'not': {
      const inner = holds(condition.of, names)
      return inner === undefined ? undefined : !inner
    }
    case 'compare': {
      const [left, right] = [operandValue(condition.left, names), operandValue(condition.right, names)]
      if (!left || !right) return undefined
      return condition.operator === 'in'
        ? isAmong(left.value, right.value)
        : compare(condition.operator, left.value, right.value)
    }
    default: {
      const known = operandValue(condition, names)
      return known && isTrue(known.value)
    }
  }
}

/** The names which a condition speaks of. */
export const namesIn = (condition: Condition): readonly (readonly string[])[] => {
  switch (condition.kind) {
    case 'name':
      return [condition.path]
    case 'literal':
      return []
    case 'list':
      return condition.items.flatMap(namesIn)
    case 'not':
      return namesIn(condition.of)
    default:
      return [...namesIn(condition.left), ...namesIn(condition.right)]
  }
}

const operandValue = (operand: Condition, names: Names): Known | undefined => {
  switch (operand.kind) {
    case 'name': {
      const [root = '', ...rest] = operand.path
      return Object.hasOwn(names, root) ? { value: valueAt(names[root], rest) } : undefined
    }
    case 'literal':
      return { value: operand.value }
    case 'list': {
      const items = operand.items.map(item => operandValue(item, names))
      return items.includes(undefined) ? undefined : { value: items.map(item => item?.value) }
    }
    default: {
      const truth = holds(operand, names)
      return truth === undefined ? undefined : { value: truth }
    }
  }
}

/** The value at a path of own keys; `undefined` when there is none. */
export const valueAt = (value: unknown, path: readonly string[]): unknown => {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string, unknown>)[step]
  }
  return found ?? undefined
}

interface Token {
  readonly kind: 'sign' | 'text' | 'word' | 'end'
  readonly text: string
  /** From 1. */
  readonly column: number
}

const TOKEN = /\s*(?:(==|!=|<=|>=|[<>()[\],])|"([^"]*)"|'([^']*)'|([\p{L}\p{N}_][\p{L}\p{N}_.:@+~-]*))/uy

const HINTS: Readonly<Record<string, string>> = {
  '=': 'write == for "is equal"',
  '&': 'write and',
  '|': 'write or',
  '!': 'write not, or != for "is not equal"',
  '"': 'the text has no end: a " is missing',
  "'": "the text has no end: a ' is missing",
  '{': 'names stand here without braces: facts.os.id',
}

const tokenize = (text: string): readonly Token[] => {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; ; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (!found) {
      const rest = at + spaces(text.slice(at))
      tokens.push({ kind: 'end', text: '', column: rest + 1 })
      if (rest === text.length) return tokens
      const sign = text[rest] ?? ''
      throw wrong(text, rest + 1, `found ${shown(sign)}; ${HINTS[sign] ?? 'text with such characters needs quotes'}`)
    }
    const [whole, sign, double, single, word] = found
    const column = at + spaces(whole) + 1
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, column })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, column })
    else tokens.push({ kind: 'text', text: double ?? single ?? '', column })
  }
}

const spaces = (text: string): number => text.length - text.trimStart().length

const wrong = (text: string, column: number, message: string): StokerError =>
  new StokerError('CONFIG', text, `column ${column} of ${shown(text)}: ${message}`)

const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>=', 'in'] satisfies Comparison[]
const KEYWORDS: readonly string[] = ['and', 'or', 'not', 'in']
const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }
const MAX_DEPTH = 50

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #roots: readonly string[]
  #at = 0
  #depth = 0

  constructor(text: string, tokens: readonly Token[], roots: readonly string[]) {
    this.#text = text
    this.#tokens = tokens
    this.#roots = roots
  }

  parse(): Condition {
    const condition = this.#or()
    if (this.#here.kind !== 'end') throw this.#unexpected('and, or, or the end')
    return condition
  }

  get #here(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', column: this.#text.length + 1 }
  }

  #take(...texts: readonly string[]): string | undefined {
    const { kind, text } = this.#here
    if (kind === 'text' || kind === 'end' || !texts.includes(text)) return undefined
    this.#at += 1
    return text
  }

  #unexpected(expected: string): StokerError {
    const { kind, text, column } = this.#here
    return wrong(this.#text, column, `expected ${expected}, found ${kind === 'end' ? 'the end' : shown(text)}`)
  }

  #or(): Condition {
    if (++this.#depth > MAX_DEPTH) throw wrong(this.#text, this.#here.column, 'nested too deep')
    let left = this.#and()
    while (this.#take('or')) left = { kind: 'or', left, right: this.#and() }
    this.#depth -= 1
    return left
  }

  #and(): Condition {
    let left = this.#not()
    while (this.#take('and')) left = { kind: 'and', left, right: this.#not() }
    return left
  }

  #not(): Condition {
    let times = 0
    while (this.#take('not')) times += 1
    const test = this.#test()
    return times % 2 === 1 ? { kind: 'not', of: test } : test
  }

  #test(): Condition {
    if (this.#take('(')) {
      const inner = this.#or()
      if (!this.#take(')')) throw this.#unexpected('a closing parenthesis')
      return inner
    }
    const left = this.#operand()
    const operator = this.#take(...COMPARISONS) as Comparison | undefined
    return operator === undefined ? left : { kind: 'compare', operator, left, right: this.#operand() }
  }

  #operand(): Condition {
    const token = this.#here
    if (this.#take('[')) {
      const items = [this.#operand()]
      while (this.#take(',')) items.push(this.#operand())
      if (!this.#take(']')) throw this.#unexpected('a comma, or the closing bracket of the list')
      return { kind: 'list', items }
    }
    if (token.kind === 'sign' || token.kind === 'end' || (token.kind === 'word' && KEYWORDS.includes(token.text)))
      throw this.#unexpected('a name or a value')
    this.#at += 1
    return token.kind === 'text' ? { kind: 'literal', value: token.text } : this.#word(token)
  }

  #word({ text, column }: Token): Condition {
    if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' }
    if (/^\d+(\.\d+)?$/.test(text) && String(Number(text)) === text) return { kind: 'literal', value: Number(text) }
    const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]iB)$/.exec(text) ?? []
    if (amount !== undefined) return { kind: 'literal', value: Number(amount) * (UNITS[unit] ?? 1) }
    const path = text.split('.')
    const [root = ''] = path
    if (this.#roots.includes(root)) {
      if (path.length > 1 && !path.includes('')) return { kind: 'name', path }
      throw wrong(this.#text, column, `${shown(text)} is no whole name; names are such as facts.os.id`)
    }
    // A version such as 12.4.1, or a plain word; anything else with a dot is most likely a mistyped name.
    if (/^\d/.test(text) || path.length === 1) return { kind: 'literal', value: text }
    const [near] = nearest(root, this.#roots, 1)
    const hint = near === undefined ? '' : `did you mean ${[near, ...path.slice(1)].join('.')}? `
    throw wrong(
      this.#text,
      column,
      `there is no name ${text}; ${hint}(names start with ${this.#roots.join(', ')}; text with dots needs quotes)`,
    )
  }
}
