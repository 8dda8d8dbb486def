/** Rows of an answer as what is said of nodes. */
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import type { NodeLine } from '../common/gather.ts'
import type { Answer } from './client.ts'

const FACTS = new Set([
  ...['name', 'id', 'address', 'mac', 'alias', 'port', 'user', 'vars'],
  ...['duid', 'boot_file', 'next_server', 'host_key', 'dhcp_options'],
])

/**
 * Lines by the names of the columns: `name`, `id`, `address`, `mac`, `alias`, `port`, `user`, `duid`, `boot_file`,
 * `next_server`, `host_key`, `dhcp_options`, and `vars` with a JSON object; every other column is a var. NULL and empty text say nothing. Throws `WAREHOUSE_FAILED` when there is no column `name`.
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
      ...{ duids: itemsOf(value('duid')), hostKeys: linesOf(value('host_key'), /\n/) },
      ...{ dhcpOptions: linesOf(value('dhcp_options'), /\n/), boot: bootOf(value('boot_file'), value('next_server')) },
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

/** Items in one text, with blanks or commas between. */
export const itemsOf = (text: string | undefined): readonly string[] => linesOf(text, /[\s,]+/)

/** Items in one text, with what stands between them. */
export const linesOf = (text: string | undefined, between: RegExp): readonly string[] =>
  text === undefined ? NONE : text.split(between).flatMap(one => one.trim() || [])

const NONE: readonly string[] = []

/** What a machine boots from; `undefined` where nothing is said of it. */
export const bootOf = (file: string | undefined, nextServer: string | undefined): NodeLine['boot'] =>
  file === undefined && nextServer === undefined
    ? undefined
    : { ...(file !== undefined && { file }), ...(nextServer !== undefined && { nextServer }) }

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
