/** Names and ids of the pull direction. What has one of these shapes is safe in a path, a URL, a log and a database. */
import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { MAX_NAME_LABEL, MAX_NODE_NAME, ROLE_NAME } from './limits.ts'

/** A VO's name: lower-case words with dashes, chosen by people. */
export const voName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected lower-case letters, digits and dashes')

/** The kinds of ids, by their first letter: node, token, action, report. Never used twice. */
export type IdKind = 'n' | 't' | 'a' | 'r'

/** 100 random bits after the letter of the kind, in an alphabet without look-alikes. */
export const newId = (kind: IdKind): string =>
  `${kind}-${Array.from(randomBytes(20), byte => ALPHABET[byte & 31]).join('')}`

export const id = (kind: IdKind) =>
  z.string().regex(new RegExp(`^${kind}-[${ALPHABET}]{20}$`), `expected an id such as ${kind}-${'x'.repeat(20)}`)

const ALPHABET = '23456789abcdefghijkmnpqrstuvwxyz'

/** A node's name as its machine says it: a DNS name, lower case. It tells nothing about who the node is. */
export const nodeName = z
  .string()
  .max(MAX_NODE_NAME)
  .regex(/^[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*$/, 'expected a host name in lower case')

/**
 * The name for the second, third, ... node which calls itself so: `wn-2.example.org`. Where there is no room for the number,
 * the name is cut; it is one of a node in any case.
 */
export const numberedName = (name: string, number: number): string => {
  if (number === 1) return name
  const [first = '', ...rest] = name.split('.')
  const suffix = `-${number}`
  const domain = rest.map(label => `.${label}`).join('')
  const room = Math.min(MAX_NAME_LABEL, Math.max(1 + suffix.length, MAX_NODE_NAME - domain.length)) - suffix.length
  return `${first.slice(0, room)}${suffix}${domain}`.slice(0, MAX_NODE_NAME).replace(/\.$/, '')
}

/** A role, given by the token; a node's groups are its roles. */
export const roleName = z.string().regex(ROLE_NAME, 'expected a plain word: letters, digits, _ . -')

export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 sum')

/** Milliseconds since 1970, as everywhere in the protocol. */
export const time = z.int().nonnegative()
