/** Host keys which the user and the system already know, and learning new ones: known_hosts files as OpenSSH keeps them. */
import { hash } from 'node:crypto'
import { appendFile, stat } from 'node:fs/promises'
import type { Abortable } from '../../base/abortable.ts'
import { isAbsent, reason, StokerError } from '../../base/errors.ts'
import { takeLock } from '../../base/lock.ts'
import { shown } from '../../base/names.ts'
import { type Content, load, stampOf, UNSEEN } from './content.ts'
import { HostIndex } from './host-index.ts'
import { type HostLine, hashedName, type KnownKey, nameInFile, parseHostLine } from './lines.ts'
import { keyType } from './public-key.ts'

/** A host as known_hosts knows it. */
export interface HostIdentity {
  /** What ssh would be given: a host name or an address. */
  readonly name: string
  readonly port: number
  /** HostKeyAlias: stands for name and port. */
  readonly alias?: string | undefined
  /** CheckHostIP: the address which is connected to. A key which is not the one known of that is refused as well. */
  readonly address?: string | undefined
  /**
   * For an address which nobody typed, because a warehouse gives it: the names of the machine. A line then counts when it
   * has the address to the letter, and leaves out none of the names; patterns speak of what people type.
   */
  readonly names?: readonly string[] | undefined
}

/** What the files say about a key. */
export type Verdict =
  | { readonly kind: 'known' }
  /** Nothing is known of the host. */
  | { readonly kind: 'unknown' }
  /** Other keys are known of the host, also when they are of another type: `file` and `line` have the first of them. */
  | {
      readonly kind: 'changed'
      readonly file: string
      readonly line: number
      /** Type and fingerprint of each key known: `ssh-ed25519 SHA256:...`. */
      readonly known: readonly string[]
    }
  | { readonly kind: 'revoked'; readonly file: string; readonly line: number }

export interface KnownHosts {
  /** Judges a key in SSH wire format. Like ssh, a key of the plain name counts for the name's other ports as well. */
  check(host: HostIdentity, key: Buffer): Verdict
  /**
   * The types of the keys known of the host, each once; ask for these first, else a known host looks like a changed one.
   * Like ssh, this does not count keys of the plain name for its other ports.
   */
  keyTypes(host: HostIdentity): readonly string[]
  /** Whether a key is known of the host, whichever. */
  isKnown(host: HostIdentity): boolean
  /** Whether any line names an authority. */
  readonly hasAuthorities: boolean
  /** Whether the host is known by `@cert-authority` lines only: it shows a certificate, and its key alone is not known. */
  authorities(host: HostIdentity): boolean
  /**
   * Writes the key down in a file, unless something is known of the host by now: the verdict says what. Afterwards `check`
   * answers `known`. A file which cannot be written becomes a warning, and the key counts for this run.
   */
  append(file: string, host: HostIdentity, key: Buffer, io: Appending): Promise<Verdict>
}

export interface Appending extends Abortable {
  /** HashKnownHosts: only who knows the name finds it in the file. */
  readonly hashed?: boolean
}

/** `SHA256:` and the base64 digest, as ssh shows it. */
export const fingerprint = (key: Buffer): string => `SHA256:${hash('sha256', key, 'base64').replace(/=+$/, '')}`

/** Reads the files; absent ones are empty. What cannot be read or understood becomes a warning and is left out. */
export const openKnownHosts = async (
  files: readonly string[],
  warn: (text: string) => void,
  io: Abortable,
): Promise<KnownHosts> => {
  const contents = new Map<string, Content>()
  for (const file of files) contents.set(file, await load(file, warn, io))
  return new FileKnownHosts(contents, warn)
}

/** Work under the lock takes milliseconds. */
const BEAT_MS = 2_000

class FileKnownHosts implements KnownHosts {
  readonly #contents: Map<string, Content>
  readonly #warn: (text: string) => void
  readonly #warned = new Set<string>()
  /** Learnt, but not to be written. */
  readonly #unwritten: HostLine[] = []
  #index: HostIndex
  /** The last append: they go one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(contents: Map<string, Content>, warn: (text: string) => void) {
    this.#contents = contents
    this.#warn = warn
    this.#index = this.#indexed()
  }

  check(host: HostIdentity, key: Buffer): Verdict {
    const [name, plainName] = namesOf(host)
    const [address, plainAddress] = host.address === undefined ? [] : namesOf({ name: host.address, port: host.port })
    const verdict = this.#judge(host, name, address, key)
    if (verdict.kind !== 'unknown' || plainName === undefined) return verdict
    const elsewhere = this.#judge(host, plainName, plainAddress, key)
    return elsewhere.kind === 'changed' ? { kind: 'unknown' } : elsewhere
  }

  /** An address never makes a key known, but one which is known for another key speaks against it. */
  #judge(host: HostIdentity, name: string, address: string | undefined, key: Buffer): Verdict {
    const verdict = judge(this.#find(host, name), key)
    if (address === undefined || verdict.kind === 'changed' || verdict.kind === 'revoked') return verdict
    const ofAddress = judge(this.#index.find(address), key)
    return ofAddress.kind === 'changed' || ofAddress.kind === 'revoked' ? ofAddress : verdict
  }

  keyTypes(host: HostIdentity): readonly string[] {
    const keys = this.#find(host, namesOf(host)[0]).filter(({ role }) => role === 'host')
    return [...new Set(keys.map(({ key }) => keyType(key)))]
  }

  isKnown(host: HostIdentity): boolean {
    return this.#keys(host, 'host').length > 0
  }

  get hasAuthorities(): boolean {
    return this.#index.hasAuthorities
  }

  authorities(host: HostIdentity): boolean {
    return this.#keys(host, 'host').length === 0 && this.#keys(host, 'authority').length > 0
  }

  append(file: string, host: HostIdentity, key: Buffer, io: Appending): Promise<Verdict> {
    const verdict = this.#turn.then(() => this.#append(file, host, key, io))
    // Its own caller hears of the failure; the next one's turn comes all the same.
    this.#turn = verdict.catch(() => {})
    return verdict
  }

  async #append(file: string, host: HostIdentity, key: Buffer, io: Appending): Promise<Verdict> {
    io.signal.throwIfAborted()
    const verdict = this.check(host, key)
    if (verdict.kind !== 'unknown') return verdict
    const [name] = namesOf(host)
    const text = `${io.hashed ? hashedName(name) : nameInFile(name)} ${keyType(key)} ${key.toString('base64')}`
    const line = NAME.test(name) ? parseHostLine(text, file, 0) : 'broken'
    if (line === 'broken' || line === undefined)
      throw new StokerError(
        'CONFIG',
        name,
        `${shown(name)} cannot be written to ${file}: it would be read as something else`,
      )
    try {
      const found = await stat(file).catch(ifAbsent)
      // /dev/null and the like are meant to forget.
      if (found === undefined || found.isFile()) {
        await using _lock = await takeLock(`${file}.stoker-lock`, { ...io, beat: BEAT_MS })
        return await this.#write(file, host, key, text, io)
      }
    } catch (error) {
      io.signal.throwIfAborted()
      this.#warnOnce(
        `${file} cannot be written (${reason(error)}): host keys accepted now are forgotten after this run`,
      )
    }
    this.#unwritten.push(line)
    this.#index.add(line)
    return this.check(host, key)
  }

  /** With the lock held, so that no other process of ours writes. */
  async #write(file: string, host: HostIdentity, key: Buffer, text: string, io: Abortable): Promise<Verdict> {
    const before = await stat(file).catch(ifAbsent)
    let content = this.#contents.get(file)
    if (content === undefined || content.stamp !== stampOf(before)) {
      content = await load(file, this.#warn, io)
      this.#contents.set(file, content)
      this.#index = this.#indexed()
      const verdict = this.check(host, key)
      if (verdict.kind !== 'unknown') return verdict
    }
    const bytes = Buffer.from(content.ended ? `${text}\n` : `\n${text}\n`, 'latin1')
    // One write on a descriptor which only appends stays whole also beside an ssh, which knows nothing of our lock.
    await appendFile(file, bytes, { mode: 0o600 })
    const after = await stat(file)
    content.stamp = after.size === (before?.size ?? 0) + bytes.length ? stampOf(after) : UNSEEN
    content.count++
    content.ended = true
    const line = parseHostLine(text, file, content.count)
    if (line !== undefined && line !== 'broken') {
      content.lines.push(line)
      this.#index.add(line)
    }
    return this.check(host, key)
  }

  #keys(host: HostIdentity, role: KnownKey['role']): readonly KnownKey[] {
    for (const name of namesOf(host)) {
      const keys = name === undefined ? [] : this.#find(host, name).filter(known => known.role === role)
      if (keys.length > 0) return keys
    }
    return []
  }

  #find({ names }: HostIdentity, name: string): readonly KnownKey[] {
    return names === undefined ? this.#index.find(name) : this.#index.findLiteral(name, names)
  }

  #indexed(): HostIndex {
    return new HostIndex([...this.#contents.values()].flatMap(({ lines }) => lines).concat(this.#unwritten))
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return
    this.#warned.add(text)
    this.#warn(text)
  }
}

// Nothing which a known_hosts file reads as a list, a pattern, a hash, a marker or a comment.
const NAME = /^[^\s,*?!|@#\p{Cc}][^\s,*?!\p{Cc}]*$/u

/** The name to look up, and the one which counts beside it. */
const namesOf = ({ name, port, alias }: HostIdentity): readonly [string, string?] => {
  if (alias !== undefined) return [alias]
  return port === 22 ? [name] : [`[${name}]:${port}`, name]
}

const judge = (found: readonly KnownKey[], key: Buffer): Verdict => {
  const revoked = found.find(known => known.role === 'revoked' && known.key.equals(key))
  if (revoked !== undefined) return { kind: 'revoked', file: revoked.file, line: revoked.line }
  const keys = found.filter(({ role }) => role === 'host')
  const [first] = keys
  if (first === undefined) return { kind: 'unknown' }
  if (keys.some(known => known.key.equals(key))) return { kind: 'known' }
  const known = keys.map(other => `${keyType(other.key)} ${fingerprint(other.key)}`)
  return { kind: 'changed', file: first.file, line: first.line, known }
}

const ifAbsent = (error: unknown): undefined => {
  if (!isAbsent(error)) throw error
}
