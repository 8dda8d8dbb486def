/**
 * Attribute queries for warehouses which have no query language of their own: `rack=3`, `rack!=3`, `gpu`, joined by `,`
 * or `&` which both mean "and". `*` in a value stands for any text. Pure.
 */
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import type { NodeFacts } from './warehouse.ts'

/** Whether a node matches. */
export type AttributeQuery = (facts: NodeFacts) => boolean

// An attribute's name, then `=` or `!=` and a value, or nothing: then the node only has to have the attribute.
const CONDITION = /^\s*([\p{L}\p{N}_.:-]+)\s*(?:(!?=)(.*))?$/su

/**
 * The query as a function. Conditions name the node's vars, and `name`, `alias`, `address`, `mac`, `port`, `user` and `id`
 * where there is no var of that name. A list matches when one of its values does; `!=` is the opposite of `=`, so it holds
 * for a node without the attribute. Throws `EXPRESSION` naming the place.
 */
export const parseAttributeQuery = (query: string): AttributeQuery => {
  let column = 1
  const conditions = query.split(/[,&]/).map(text => {
    const condition = parseCondition(text, query, column)
    column += text.length + 1
    return condition
  })
  return facts => conditions.every(condition => condition(facts))
}

const parseCondition = (text: string, query: string, column: number): AttributeQuery => {
  const [, name, operator, value = ''] = CONDITION.exec(text) ?? []
  if (name === undefined) throw misplaced(query, column, text)
  if (operator === undefined) return facts => valuesOf(facts, name).length > 0
  if (value.trim() === '') throw misplaced(query, column, text)
  const parts = value.trim().split('*')
  const isEqual: AttributeQuery = facts => valuesOf(facts, name).some(one => matches(parts, one))
  return operator === '=' ? isEqual : facts => !isEqual(facts)
}

const misplaced = (query: string, column: number, text: string): StokerError => {
  const found = text.trim() === '' ? 'nothing' : shown(text.trim())
  const hint = 'a condition is written rack=3, rack!=3 or rack, and several are joined by a comma'
  return new StokerError('EXPRESSION', query, `query ${shown(query)}, column ${column}: found ${found}; ${hint}`)
}

const valuesOf = (facts: NodeFacts, name: string): readonly string[] => {
  const value = Object.hasOwn(facts.vars ?? {}, name) ? facts.vars?.[name] : factOf(facts, name)
  return [value].flat().flatMap(one => (one === undefined || one === null ? [] : [textOf(one)]))
}

const factOf = (facts: NodeFacts, name: string): unknown => {
  switch (name) {
    case 'name':
    case 'port':
    case 'user':
    case 'id':
      return facts[name]
    case 'alias':
      return facts.aliases
    case 'address':
      return facts.addresses
    case 'mac':
      return facts.macs
    default:
      return undefined
  }
}

const textOf = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

/** Whether the text is the parts in order, with anything between them: the greedy way, which never backtracks. */
const matches = (parts: readonly string[], text: string): boolean => {
  const [first = '', ...middle] = parts
  const last = middle.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of middle) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
