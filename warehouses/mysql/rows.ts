/** Rows of an answer as facts of nodes: several rows may be about one node. */
import { StokerError } from '../../src/errors.ts'
import { shown } from '../../src/names.ts'
import type { Row } from '../table.ts'
import type { Answer } from './client.ts'

/** What one row says of a node. `undefined` is what it does not say. */
export interface NodeLine {
  readonly name: string
  readonly id: string | undefined
  readonly addresses: readonly (string | undefined)[]
  readonly macs: readonly (string | undefined)[]
  readonly aliases: readonly (string | undefined)[]
  readonly port: number | undefined
  readonly user: string | undefined
  readonly vars: ReadonlyMap<string, unknown>
  readonly problem?: string | undefined
}

/**
 * One row for each name, in the order in which they are met first. Addresses, MACs and aliases are gathered; of the id,
 * port and user the first one counts; a var with different values becomes a list of them.
 */
export const gather = (lines: Iterable<NodeLine>): readonly Row[] => {
  const nodes = new Map<string, Gathered>()
  for (const line of lines) {
    let node = nodes.get(line.name)
    if (!node) {
      node = { addresses: new Set(), macs: new Set(), aliases: new Set(), vars: new Map() }
      nodes.set(line.name, node)
    }
    for (const key of LISTS) for (const one of line[key]) if (one !== undefined) node[key].add(one)
    node.id ??= line.id
    node.port ??= line.port
    node.user ??= line.user
    node.problem ??= line.problem
    for (const [key, value] of line.vars) addVar(node.vars, key, value)
  }
  return [...nodes].map(([name, node]) => rowOf(name, node))
}

const LISTS = ['addresses', 'macs', 'aliases'] as const

interface Gathered extends Readonly<Record<(typeof LISTS)[number], Set<string>>> {
  readonly vars: Map<string, unknown>
  id?: string | undefined
  port?: number | undefined
  user?: string | undefined
  problem?: string | undefined
}

const addVar = (vars: Map<string, unknown>, key: string, value: unknown): void => {
  const before = vars.get(key)
  if (before === undefined) vars.set(key, value)
  else if (Array.isArray(before)) !before.includes(value) && before.push(value)
  else if (before !== value && typeof value !== 'object') vars.set(key, [before, value])
}

const rowOf = (name: string, { id, port, user, problem, addresses, macs, aliases, vars }: Gathered): Row => ({
  name,
  ...(id !== undefined && { id }),
  ...(addresses.size > 0 && { addresses: [...addresses] }),
  ...(macs.size > 0 && { macs: [...macs] }),
  ...(aliases.size > 0 && { aliases: [...aliases] }),
  ...(port !== undefined && { port }),
  ...(user !== undefined && { user }),
  ...(problem !== undefined && { problem }),
  ...(vars.size > 0 && { vars: Object.fromEntries(vars) }),
})

const FACTS = new Set(['name', 'id', 'address', 'mac', 'alias', 'port', 'user', 'vars'])

/**
 * Lines by the names of the columns: `name`, `id`, `address`, `mac`, `alias`, `port`, `user`, and `vars` with a JSON object;
 * every other column is a var. NULL and empty text say nothing. Throws `WAREHOUSE_FAILED` when there is no column `name`.
 */
export const linesByColumn = function* (answer: Answer, warehouse: string): Generator<NodeLine> {
  const columns = answer.columns.map(column => column.name.toLowerCase())
  if (!columns.includes('name'))
    throw senseless(warehouse, `the nodes have no column name (there is: ${columns.join(', ')})`)
  const others = columns.flatMap((column, i) =>
    FACTS.has(column) ? [] : [{ key: answer.columns[i]?.name ?? column, i }],
  )
  for (const row of answer.rows) {
    const value = (column: string) => textOf(row[columns.indexOf(column)])
    const name = value('name') ?? ''
    const [port, extra] = [value('port'), value('vars')]
    const parsed = extra === undefined ? {} : parseVars(extra)
    const vars = new Map(Object.entries(parsed ?? {}))
    for (const { key, i } of others) {
      const one = plain(row[i])
      if (one !== undefined) vars.set(key, one)
    }
    yield {
      ...{ name, vars, id: value('id'), user: value('user'), port: port === undefined ? undefined : Number(port) },
      ...{ addresses: [value('address')], macs: [value('mac')], aliases: [value('alias')] },
      problem: problemOf(name, port, parsed),
    }
  }
}

/** A value as it becomes a var: numbers stay, bytes become text. `undefined` for NULL and empty text. */
export const plain = (value: unknown): unknown => {
  if (value === null || value === undefined || value === '') return undefined
  return Buffer.isBuffer(value) ? value.toString('utf8') : value
}

/** A value as trimmed text; `undefined` for NULL and empty text. */
export const textOf = (value: unknown): string | undefined => {
  const text = String(plain(value) ?? '').trim()
  return text === '' ? undefined : text
}

/** The list at the key; an empty one is put there if need be. */
export const listIn = <K, V>(lists: Map<K, V[]>, key: K): V[] => {
  const known = lists.get(key)
  if (known) return known
  const fresh: V[] = []
  lists.set(key, fresh)
  return fresh
}

/** The error for an answer which makes no sense. */
export const senseless = (warehouse: string, what: string): StokerError =>
  new StokerError('WAREHOUSE_FAILED', warehouse, `warehouse ${warehouse}: ${what}; check the data and the queries`)

const problemOf = (name: string, port: string | undefined, vars: unknown): string | undefined => {
  if (port !== undefined && !isPort(Number(port)))
    return `node ${shown(name)} has the port ${shown(port)}, which is no port number`
  return vars === undefined ? `node ${shown(name)} has something in the column vars which is no JSON object` : undefined
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535

/** `undefined` for what is no JSON object. */
const parseVars = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const vars: unknown = JSON.parse(text)
    return typeof vars === 'object' && vars !== null && !Array.isArray(vars)
      ? (vars as Record<string, unknown>)
      : undefined
  } catch {
    return undefined // no JSON at all is told like JSON which is no object
  }
}
