/** Rows of the tables as what the store speaks of. A row which cannot be read says so with its table: `STORE_FAILED`. */
import { StokerError } from '../../base/errors.ts'
import type { Row } from './database.ts'
import type { Action, ActionState, Node, StoredBundle, Token, Vo } from './store.ts'

export const voOf = (row: Row): Vo => ({
  name: text(row, 'name'),
  publicKey: text(row, 'public_key'),
  created: number(row, 'created'),
  successions: json(row, 'successions'),
})

export const tokenOf = (row: Row): Token => ({
  id: text(row, 'id'),
  vo: text(row, 'vo'),
  usesLeft: number(row, 'uses_left'),
  expires: number(row, 'expires'),
  names: maybe(row, 'name_pattern', text),
  roles: json(row, 'roles'),
  created: number(row, 'created'),
  lastUsed: maybe(row, 'last_used', number),
  revoked: maybe(row, 'revoked', number),
})

export const nodeOf = (row: Row): Node => ({
  id: text(row, 'id'),
  vo: text(row, 'vo'),
  name: text(row, 'name'),
  roles: json(row, 'roles'),
  publicKey: text(row, 'public_key'),
  sealKey: text(row, 'seal_key'),
  fingerprint: json(row, 'fingerprint'),
  token: text(row, 'token'),
  enrolled: number(row, 'enrolled'),
  cloneOf: maybe(row, 'clone_of', text),
  revoked: maybe(row, 'revoked', number),
  clonesSeen: number(row, 'clones_seen'),
  rolledBack: maybe(row, 'rolled_back', number),
  turn: number(row, 'turn'),
  bootId: maybe(row, 'boot_id', text),
  version: text(row, 'version'),
  addresses: maybe(row, 'addresses', json<readonly string[]>) ?? [],
  lastContact: maybe(row, 'last_contact', number),
  interval: number(row, 'poll_interval'),
  serial: number(row, 'serial_applied'),
  lastReport: maybe(row, 'last_report', json) as Node['lastReport'],
})

export const bundleOf = (row: Row): StoredBundle => ({
  vo: text(row, 'vo'),
  serial: number(row, 'serial_number'),
  envelope: json(row, 'envelope'),
  contentSha256: text(row, 'content_sha256'),
  created: number(row, 'created'),
  note: text(row, 'note'),
  waves: json(row, 'waves'),
})

export const actionOf = (row: Row): Action => ({
  id: text(row, 'id'),
  vo: text(row, 'vo'),
  node: text(row, 'node'),
  batch: text(row, 'batch'),
  name: text(row, 'name'),
  envelope: json(row, 'envelope'),
  state: text(row, 'state') as ActionState,
  cancelAsked: number(row, 'cancel_asked') === 1,
  created: number(row, 'created'),
  expires: number(row, 'expires'),
  fetched: maybe(row, 'fetched', number),
  started: maybe(row, 'started', number),
  finished: maybe(row, 'finished', number),
  result: maybe(row, 'result', json) as Action['result'],
})

export const text = (row: Row, column: string): string => {
  const value = row[column]
  return typeof value === 'string' ? value : damaged(column)
}

export const number = (row: Row, column: string): number => {
  const value = row[column]
  return typeof value === 'number' ? value : damaged(column)
}

export const bytes = (row: Row, column: string): Uint8Array => {
  const value = row[column]
  return value instanceof Uint8Array ? value : damaged(column)
}

/** What this program has written itself; signed documents are verified again by whoever obeys them. */
export const json = <T>(row: Row, column: string): T => {
  try {
    return JSON.parse(text(row, column))
  } catch (cause) {
    return damaged(column, cause)
  }
}

const maybe = <T>(row: Row, column: string, read: (row: Row, column: string) => T): T | undefined =>
  row[column] === null ? undefined : read(row, column)

const damaged = (column: string, cause?: unknown): never => {
  throw new StokerError('STORE_FAILED', column, `the database is damaged: column ${column} holds what it cannot`, {
    cause,
  })
}
