/** The lines of known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), read as OpenSSH reads them. Pure. */
import { hash, randomBytes } from 'node:crypto'
import { isWild, lowerCase, type PatternList, parsePatternList } from '../ssh-config/pattern.ts'
import { isPublicKey, keyType, plainType } from './public-key.ts'

/** A key in a known_hosts file. */
export interface KnownKey {
  /** `authority`: signs host certificates. `revoked`: never to be accepted. */
  readonly role: 'host' | 'authority' | 'revoked'
  /** In SSH wire format. */
  readonly key: Buffer
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** Whom a key belongs to. All names are in lower case, and in bytes (latin1) as ssh compares them. */
export type Hosts =
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'patterns'; readonly list: PatternList }
  /** A name kept secret: the two halves of an HMAC-SHA1 with the salt mixed in, and the result. */
  | { readonly kind: 'hashed'; readonly inner: Buffer; readonly outer: Buffer; readonly digest: string }

export interface HostLine {
  readonly hosts: Hosts
  readonly known: KnownKey
}

/**
 * Reads one line, given in latin1: `undefined` for an empty one or a comment, `broken` for what cannot be understood. What
 * OpenSSH understands is never broken here, or a known host would pass for a new one.
 */
export const parseHostLine = (text: string, file: string, line: number): HostLine | 'broken' | undefined => {
  const [, rest = ''] = /^[ \t]*([^\0]*)/.exec(text) ?? []
  if (rest === '' || rest === '\r' || rest.startsWith('#')) return undefined
  const words = rest.split(/[ \t]+/)
  const [first = ''] = words
  const role = ROLES[first] ?? (first.startsWith('@') ? undefined : 'host')
  const [names = '', type = '', base64 = ''] = words.slice(first.startsWith('@') ? 1 : 0)
  const key = role === undefined ? undefined : parseKey(type, base64)
  const hosts = key === undefined ? undefined : parseHosts(names)
  if (role === undefined || key === undefined || hosts === undefined) return 'broken'
  return { hosts, known: { role, key, file, line } }
}

/** A name as these files have it: bytes, in lower case. */
export const nameInFile = (name: string): string => lowerCase(Buffer.from(name).toString('latin1'))

/** Hides a name as HashKnownHosts does: `|1|salt|digest`, the HMAC-SHA1 of the name with a new salt. */
export const hashedName = (name: string): string => {
  const salt = randomBytes(SHA1_LENGTH)
  const digest = hmacOf(nameInFile(name))(saltedBlocks(salt))
  return `|1|${salt.toString('base64')}|${Buffer.from(digest, 'latin1').toString('base64')}`
}

/** Whether a hashed line hides this name; for many lines, ask for the name once. */
export const hides = (name: string): ((hosts: Hosts & { readonly kind: 'hashed' }) => boolean) => {
  const digestOf = hmacOf(name)
  return hosts => digestOf(hosts) === hosts.digest
}

const ROLES: Readonly<Record<string, KnownKey['role']>> = { '@cert-authority': 'authority', '@revoked': 'revoked' }

const parseKey = (type: string, base64: string): Buffer | undefined => {
  const key = strictBase64(base64.replaceAll(/[\r\v\f]/g, ''))
  return key !== undefined && plainType(keyType(key)) === plainType(type) && isPublicKey(key) ? key : undefined
}

/** Node takes anything for base64, ssh only what it would write itself. */
const strictBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}

/** From here on a part may be too long for ssh, which then does not look at the others either. */
const LONG = 1000

const parseHosts = (text: string): Hosts | undefined => {
  if (text.startsWith('|')) return parseHashed(text)
  const lower = lowerCase(text)
  if (isWild(text) || text.includes('!') || text.length > LONG)
    return { kind: 'patterns', list: parsePatternList(lower) }
  const names = [...new Set(lower.split(','))].filter(name => name !== '')
  return names.length === 0 ? undefined : { kind: 'names', names }
}

const SHA1_LENGTH = 20
const SHA1_BLOCK = 64

const parseHashed = (text: string): Hosts | undefined => {
  const [, salt64 = '', digest64 = ''] = /^\|1\|([^|]*)\|(.*)$/s.exec(text) ?? []
  const salt = strictBase64(salt64)
  const digest = strictBase64(digest64)
  if (salt?.length !== SHA1_LENGTH || digest?.length !== SHA1_LENGTH) return undefined
  return { kind: 'hashed', ...saltedBlocks(salt), digest: digest.toString('latin1') }
}

interface SaltedBlocks {
  readonly inner: Buffer
  readonly outer: Buffer
}

// RFC 2104 written out: node's one-shot hash is ten times as fast as its Hmac objects, and a file may have thousands of such
// lines, each to be tried for each host.
const saltedBlocks = (salt: Buffer): SaltedBlocks => {
  const padded = (byte: number) => {
    const block = Buffer.alloc(SHA1_BLOCK, byte)
    for (const [i, value] of salt.entries()) block[i] = value ^ byte
    return block
  }
  return { inner: padded(0x36), outer: padded(0x5c) }
}

const hmacOf = (name: string): ((blocks: SaltedBlocks) => string) => {
  const message = Buffer.concat([Buffer.alloc(SHA1_BLOCK), Buffer.from(name, 'latin1')])
  const wrapped = Buffer.alloc(SHA1_BLOCK + SHA1_LENGTH)
  return ({ inner, outer }) => {
    message.set(inner)
    wrapped.set(outer)
    wrapped.write(hash('sha1', message, 'binary'), SHA1_BLOCK, 'latin1')
    return hash('sha1', wrapped, 'binary')
  }
}
