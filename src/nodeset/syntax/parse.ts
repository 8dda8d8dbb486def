/** Text to `Expression`. */
import type { Expression, Operator } from './expression.ts'
import { MAX_DEPTH, MAX_DIGITS, MAX_MASKS, MAX_NAMES, MAX_OPERATORS } from './limits.ts'
import { countPattern, expandPattern, parsePattern } from './pattern.ts'
import { refuse } from './source-location.ts'
import { unionOf } from './union.ts'

/**
 * Parses a target expression. Throws `EXPRESSION` naming the column and what is expected there; also when the text writes
 * out more than a million names.
 */
export const parseExpression = (text: string): Expression => {
  const control = text.search(CONTROL)
  if (control >= 0) throw refuse(text, control, 'a control character; names do not have any')
  if (text.trim() === '') throw refuse(text, 0, 'the expression is empty; write a name, a range or @group')
  return parser(text)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for; blanks are allowed
const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f]/
const OPERATORS = ',!&^'

const parser = (text: string): Expression => {
  let at = 0
  let total = 0

  const skipBlanks = () => {
    while (at < text.length && isBlank(text.charCodeAt(at))) at++
  }

  /** Expressions and operators up to the end, or up to the `)` which closes the one at `opened`. */
  const sequence = (depth: number, opened: number | undefined): Expression => {
    let parts: Expression[] = [operand(depth, undefined)]
    let chain = 0
    for (;;) {
      skipBlanks()
      const char = text[at]
      if (char === undefined && opened !== undefined)
        throw refuse(text, opened, 'the "(" is not closed; a ")" is expected')
      if (char === undefined || (char === ')' && opened !== undefined)) return unionOf(parts)
      if (!isOperator(char)) throw refuse(text, at, unexpected(char))
      const place = at++
      const next = operand(depth, place)
      if (char === ',') {
        parts.push(next)
      } else {
        if (++chain > MAX_OPERATORS) throw refuse(text, place, `more than ${MAX_OPERATORS} operators in one row`)
        parts = [{ kind: 'operation', operator: char, left: unionOf(parts), right: next }]
      }
    }
  }

  const operand = (depth: number, operator: number | undefined): Expression => {
    skipBlanks()
    const char = text[at]
    if (char === undefined || char === ')' || (isOperator(char) && char !== '^') || (char === '^' && isEmptyPath()))
      throw operator === undefined
        ? refuse(text, at, char === undefined ? 'a name is expected here' : `"${char}" without anything on its left`)
        : refuse(text, operator, `missing nodeset operand with '${text[operator]}' operator: nothing on its right`)
    if (char === '(') return group(depth)
    if (char === '/') return regex()
    if (char === '^') return file()
    if (char === '@') return atSign()
    return plain()
  }

  const isEmptyPath = (): boolean => /^\^\s*(?:[,!&^)]|$)/.test(text.slice(at, at + 50))

  const group = (depth: number): Expression => {
    if (depth >= MAX_DEPTH) throw refuse(text, at, `parentheses nest deeper than ${MAX_DEPTH}`)
    const opened = at++
    const inside = sequence(depth + 1, opened)
    at++
    return inside
  }

  const regex = (): Expression => {
    const from = at
    let end = from + 1
    while (end < text.length && text[end] !== '/') end += text[end] === '\\' ? 2 : 1
    if (end >= text.length) throw refuse(text, from, 'the regular expression is not closed; a "/" is expected')
    const source = text.slice(from + 1, end)
    if (source === '') throw refuse(text, from, 'the regular expression is empty')
    try {
      new RegExp(source, 'u')
    } catch (cause) {
      throw refuse(text, from, (cause as Error).message)
    }
    at = end + 1
    return { kind: 'regex', text: text.slice(from, at), source }
  }

  const file = (): Expression => {
    const from = at++
    const end = wordEnd()
    const path = text.slice(at, end).trim()
    at = end
    return { kind: 'file', text: `^${path}`, path: path || refuseEmpty(from) }
  }

  const refuseEmpty = (offset: number): never => {
    throw refuse(text, offset, 'the path of a file is expected after "^"')
  }

  /** The end of what starts at `at`: an operator or parenthesis outside brackets. */
  const wordEnd = (): number => {
    let inside = false
    let end = at
    for (; end < text.length; end++) {
      const char = text.charCodeAt(end)
      if (char === 0x5b) inside = true
      else if (char === 0x5d) inside = false
      else if (!inside && isBoundary(char)) break
      // An operator other than the comma never stands between brackets: the bracket was left open.
      else if (inside && isBoundary(char) && char !== 0x2c) break
    }
    return end
  }

  const trimmedEnd = (end: number): number => {
    let last = end
    while (last > at && isBlank(text.charCodeAt(last - 1))) last--
    return last
  }

  const plain = (): Expression => {
    const from = at
    const end = wordEnd()
    if (text[end] === '(') throw refuse(text, end, 'a "(" inside a name; an operator is expected before it')
    const to = trimmedEnd(end)
    const word = text.slice(from, to)
    at = end
    if (!SPECIAL.test(word)) {
      checkDigits(word, from)
      count(1, from)
      return { kind: 'names', text: word, names: [word] }
    }
    const pattern = parsePattern(word, { text, at: from })
    for (const part of pattern.texts) checkDigits(part, from)
    if (pattern.texts.some(part => /[*?]/.test(part))) {
      if (countPattern(pattern) > MAX_MASKS)
        throw refuse(text, from, `the wildcard stands for more than ${MAX_MASKS} masks`)
      return { kind: 'wildcard', text: word, pattern: word }
    }
    count(countPattern(pattern), from)
    return { kind: 'names', text: word, names: expandPattern(pattern) }
  }

  const checkDigits = (word: string, offset: number): void => {
    if (word.length > MAX_DIGITS && TOO_LONG.test(word))
      throw refuse(text, offset, `a number of more than ${MAX_DIGITS} digits`)
  }

  const count = (names: number, offset: number): void => {
    total += names
    if (total > MAX_NAMES)
      throw refuse(text, offset, `${total} names; one expression may write out at most ${MAX_NAMES}`)
  }

  const atSign = (): Expression => {
    const from = at
    const end = wordEnd()
    if (text[end] === '(') return query(from, end)
    const to = trimmedEnd(end)
    const word = text.slice(from, to)
    at = end
    if (word.startsWith('@@')) return { kind: 'group-names', text: word, warehouse: word.slice(2) || undefined }
    const name = /^@(?:[^:]*:)?(.*)$/s.exec(word)?.[1]
    if (!name) throw refuse(text, from, 'a group is expected after "@": @name, @warehouse:name or @*')
    if (name !== '*' && /[*?]/.test(name))
      throw refuse(text, from, 'the name of a group has no wildcards; @* is every node, @@ is the names of all groups')
    const pattern = parsePattern(word, { text, at: from })
    if (countPattern(pattern) > MAX_MASKS) throw refuse(text, from, `more than ${MAX_MASKS} groups`)
    return unionOf(expandPattern(pattern).map(leaf))
  }

  const query = (from: number, open: number): Expression => {
    const warehouse = /^@([^@:[\]]+):$/.exec(text.slice(from, open))?.[1]
    if (!warehouse) throw refuse(text, from, 'a query names its warehouse: @warehouse:(...)')
    let depth = 0
    let end = open
    for (; end < text.length; end++) {
      if (text[end] === '(') depth++
      if (text[end] === ')' && --depth === 0) break
    }
    if (end >= text.length) throw refuse(text, open, 'the query is not closed; a ")" is expected')
    at = end + 1
    const inside = text.slice(open + 1, end).trim()
    if (inside === '') throw refuse(text, open, 'the query is empty')
    return { kind: 'query', text: text.slice(from, at), warehouse, query: inside }
  }

  return sequence(0, undefined)
}

const TOO_LONG = new RegExp(`[0-9]{${MAX_DIGITS + 1}}`)
const SPECIAL = /[[\]*?]/

const isBlank = (char: number): boolean => char === 0x20 || (char >= 0x09 && char <= 0x0d)

/** `,` `!` `&` `^` `(` `)` */
const isBoundary = (char: number): boolean =>
  char === 0x2c || char === 0x21 || char === 0x26 || char === 0x5e || char === 0x28 || char === 0x29

const isOperator = (char: string): char is Operator => OPERATORS.includes(char)

const unexpected = (char: string): string =>
  char === ')' ? 'a ")" without its "("' : 'an operator is expected here: one of , ! & ^'

const leaf = (word: string): Expression => {
  const colon = word.indexOf(':')
  return colon < 0
    ? { kind: 'group', text: word, warehouse: undefined, name: word.slice(1) }
    : { kind: 'group', text: word, warehouse: word.slice(1, colon) || undefined, name: word.slice(colon + 1) }
}
