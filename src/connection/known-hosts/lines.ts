/** The lines of known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) and finding those of a host. Pure. */
import { hash } from 'node:crypto'
import { isWild, type Pattern, patternList } from '../ssh-config/pattern.ts'

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

/** Whom a key belongs to. */
export type Hosts =
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'patterns'; readonly matches: Pattern }
  /** A name kept secret: the two halves of an HMAC-SHA1 with the salt mixed in, and the result. */
  | { readonly kind: 'hashed'; readonly inner: Buffer; readonly outer: Buffer; readonly digest: string }

export interface HostLine {
  readonly hosts: Hosts
  readonly known: KnownKey
}

/** Reads one line: `undefined` for an empty one or a comment, `broken` for what cannot be understood. */
export const parseHostLine = (text: string, file: string, line: number): HostLine | 'broken' | undefined => {
  const words = text.trim().split(/[ \t]+/)
  const [first = ''] = words
  if (first === '' || first.startsWith('#')) return undefined
  const role = ROLES[first] ?? (first.startsWith('@') ? undefined : 'host')
  const [names = '', type = '', base64 = ''] = words.slice(first.startsWith('@') ? 1 : 0)
  const key = Buffer.from(base64, 'base64')
  if (role === undefined || key.length === 0 || keyType(key) !== type) return 'broken'
  const hosts = parseHosts(names)
  return hosts === undefined ? 'broken' : { hosts, known: { role, key, file, line } }
}

/** The type which a key in wire format says it has (RFC 4253 section 6.6): `ssh-ed25519`; empty when it is none. */
export const keyType = (key: Buffer): string =>
  key.length > 4 && key.readUInt32BE(0) <= key.length - 4 ? key.toString('latin1', 4, 4 + key.readUInt32BE(0)) : ''

/** Finds the keys of a name. Plain names are a look-up; a hashed line costs an HMAC for each new name, once. */
export class HostIndex {
  readonly #byName = new Map<string, HostLine[]>()
  readonly #patterns: { readonly matches: Pattern; readonly line: HostLine }[] = []
  #hashed: { readonly hosts: Hosts & { readonly kind: 'hashed' }; readonly line: HostLine }[] = []
  readonly #unhashed = new Set<string>()

  constructor(lines: Iterable<HostLine>) {
    for (const line of lines) this.add(line)
  }

  add(line: HostLine): void {
    const { hosts } = line
    if (hosts.kind === 'names') for (const name of hosts.names) this.#put(name, line)
    else if (hosts.kind === 'patterns') this.#patterns.push({ matches: hosts.matches, line })
    else {
      this.#hashed.push({ hosts, line })
      this.#unhashed.clear()
    }
  }

  /** All keys on lines which name the host, those on lines with patterns last. */
  find(name: string): readonly KnownKey[] {
    const lower = name.toLowerCase()
    this.#unhash(lower)
    const lines = this.#byName.get(lower) ?? []
    const wild = this.#patterns.filter(({ matches }) => matches(lower)).map(({ line }) => line)
    return [...lines, ...wild].map(({ known }) => known)
  }

  // A line which hides this name cannot hide another one: it becomes a line with a plain name.
  #unhash(name: string): void {
    if (this.#hashed.length === 0 || this.#unhashed.has(name)) return
    this.#unhashed.add(name)
    const hides = hmacOf(name)
    this.#hashed = this.#hashed.filter(({ hosts, line }) => {
      if (!hides(hosts)) return true
      this.#put(name, line)
      return false
    })
  }

  #put(name: string, line: HostLine): void {
    const lines = this.#byName.get(name)
    if (lines === undefined) this.#byName.set(name, [line])
    else lines.push(line)
  }
}

const ROLES: Readonly<Record<string, KnownKey['role']>> = { '@cert-authority': 'authority', '@revoked': 'revoked' }

const parseHosts = (text: string): Hosts | undefined => {
  const lower = text.toLowerCase()
  if (text.startsWith('|')) return parseHashed(text)
  if (isWild(text) || text.includes('!')) return { kind: 'patterns', matches: patternList(lower) }
  const names = lower.split(',').filter(name => name !== '')
  return names.length === 0 ? undefined : { kind: 'names', names }
}

const SHA1_LENGTH = 20
const SHA1_BLOCK = 64

const parseHashed = (text: string): Hosts | undefined => {
  const [, version, salt64 = '', digest64 = ''] = text.split('|')
  const salt = Buffer.from(salt64, 'base64')
  const digest = Buffer.from(digest64, 'base64')
  if (version !== '1' || salt.length !== SHA1_LENGTH || digest.length !== SHA1_LENGTH) return undefined
  // RFC 2104 written out: node's one-shot hash is ten times as fast as its Hmac objects, and a file may have
  // thousands of such lines, each to be tried for each host.
  const padded = (byte: number) => {
    const block = Buffer.alloc(SHA1_BLOCK, byte)
    for (const [i, value] of salt.entries()) block[i] = value ^ byte
    return block
  }
  return { kind: 'hashed', inner: padded(0x36), outer: padded(0x5c), digest: digest.toString('latin1') }
}

const hmacOf = (name: string): ((hosts: Hosts & { readonly kind: 'hashed' }) => boolean) => {
  const message = Buffer.concat([Buffer.alloc(SHA1_BLOCK), Buffer.from(name)])
  const wrapped = Buffer.alloc(SHA1_BLOCK + SHA1_LENGTH)
  return ({ inner, outer, digest }) => {
    message.set(inner)
    wrapped.set(outer)
    wrapped.write(hash('sha1', message, 'binary'), SHA1_BLOCK, 'latin1')
    return hash('sha1', wrapped, 'binary') === digest
  }
}
