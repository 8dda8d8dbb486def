/** Facts of nodes as a command prints them: a JSON array of objects, or one object a line. Pure. */
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { gather, type NodeLine } from '../common/gather.ts'
import type { Row } from '../common/table.ts'

type Entry = Readonly<Record<string, unknown>>

const FACTS = new Set(['name', 'id', 'address', 'addresses', 'mac', 'macs', 'alias', 'aliases', 'port', 'user', 'vars'])

/**
 * `name`, `id`, `port`, `user`; `address`, `mac` and `alias`, or `addresses`, `macs` and `aliases` (a text or a list, either
 * way); `vars` with further ones; every other key is a var. Throws `WAREHOUSE_FAILED` for what is no such list.
 */
export const parseFacts = (text: string, warehouse: string): readonly Row[] =>
  gather(entriesOf(text, warehouse).map(entry => lineOf(entry, warehouse)))

const entriesOf = (text: string, warehouse: string): readonly unknown[] => {
  if (text.trimStart().startsWith('[')) {
    const list = parseJson(text, 'the output', warehouse)
    if (Array.isArray(list)) return list
  }
  return text
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [parseJson(line, `line ${i + 1}`, warehouse)]))
}

/** A JSON value; throws `WAREHOUSE_FAILED` saying what is none. */
export const parseJson = (text: string, what: string, warehouse: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? shown(cause.message) : ''
    const message = `warehouse ${warehouse}: ${what} of the command is no JSON: ${why}`
    throw new StokerError('WAREHOUSE_FAILED', warehouse, message, { cause })
  }
}

const lineOf = (entry: unknown, warehouse: string): NodeLine => {
  if (!isEntry(entry) || typeof entry.name !== 'string') {
    const what = shown(JSON.stringify(entry) ?? '')
    const message = `warehouse ${warehouse}: the command for nodes printed ${what}, which is no object with a name`
    throw new StokerError('WAREHOUSE_FAILED', warehouse, message)
  }
  const others = Object.entries(entry).filter(([key]) => !FACTS.has(key))
  return {
    ...{ name: entry.name, id: textOf(entry.id), user: textOf(entry.user), port: portOf(entry.port) },
    addresses: [...textsOf(entry.address), ...textsOf(entry.addresses)],
    macs: [...textsOf(entry.mac), ...textsOf(entry.macs)],
    aliases: [...textsOf(entry.alias), ...textsOf(entry.aliases)],
    vars: new Map(
      [...others, ...Object.entries(isEntry(entry.vars) ? entry.vars : {})].filter(([, one]) => one !== null),
    ),
    problem: portProblem(entry.name, entry.port),
  }
}

/** Whether the value is a JSON object. */
export const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text or number as text; `undefined` for anything else, and for empty text. */
export const textOf = (value: unknown): string | undefined =>
  (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined

/** A port number, also as text. */
export const portOf = (value: unknown): number | undefined => {
  const port = Number(textOf(value))
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined
}

/** What is wrong with a node's port, if anything is. */
export const portProblem = (node: string, value: unknown): string | undefined =>
  value === undefined || value === null || value === '' || portOf(value) !== undefined
    ? undefined
    : `node ${shown(node)} has the port ${shown(JSON.stringify(value))}, which is no port number`

const textsOf = (value: unknown): readonly (string | undefined)[] =>
  (Array.isArray(value) ? value : [value]).map(textOf)
