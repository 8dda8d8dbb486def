/** Queries of genders, as pdsh's `-g` takes them (see nodeattr(1)): attributes with `||`, `&&`, `--`, `~` and parentheses. Pure. */
import type { Expression, Operator } from '../../../nodeset/syntax/expression.ts'
import { pdshError, self } from './errors.ts'

const OPERATORS: Readonly<Record<string, Operator>> = { '||': ',', '&&': '&', '--': '!' }
const TOKEN = /\s*(\|\||&&|--|~|\(|\)|(?:(?!\|\||&&|--)[^()~\s])+)/y

/** As an expression over groups. The operators bind equally, from left to right; `~` is all nodes but those. */
export const parseQuery = (text: string): Expression => {
  const tokens = tokensOf(text)
  const query = union(tokens, text)
  if (tokens.length > 0) throw wrong(text)
  return query
}

const tokensOf = (text: string): string[] => {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const token = TOKEN.exec(text)?.[1]
    if (token === undefined) throw wrong(text)
    tokens.push(token)
  }
  return tokens
}

const union = (tokens: string[], text: string): Expression => {
  let left = one(tokens, text)
  for (let operator = OPERATORS[tokens[0] ?? '']; operator; operator = OPERATORS[tokens[0] ?? '']) {
    tokens.shift()
    left = { kind: 'operation', operator, left, right: one(tokens, text) }
  }
  return left
}

const one = (tokens: string[], text: string): Expression => {
  const token = tokens.shift()
  if (token === undefined || token === ')' || token in OPERATORS) throw wrong(text)
  if (token === '~') return { kind: 'operation', operator: '!', left: groupOf('*'), right: one(tokens, text) }
  if (token !== '(') return groupOf(token)
  const inside = union(tokens, text)
  if (tokens.shift() !== ')') throw wrong(text)
  return inside
}

/** `attribute`, `attribute=value`; of one warehouse alone where there is a colon: `ldap:web`. */
const groupOf = (token: string): Expression => {
  const [, warehouse, name = token] = /^([^:=]+):(.+)$/s.exec(token) ?? []
  return { kind: 'group', text: `@${token}`, warehouse, name }
}

const wrong = (text: string) => pdshError(`${self()}: Error querying groups for query "${text}": it makes no sense`)
