/** Host keys which the user and the system already know, and learning new ones: known_hosts files as OpenSSH keeps them. */
import { hash } from 'node:crypto'
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Abortable } from '../abortable.ts'
import { StokerError } from '../errors.ts'
import { shown } from '../names.ts'
import { HostIndex, type HostLine, type KnownKey, keyType, parseHostLine } from './known-hosts-lines.ts'
import { withLock } from './lock-file.ts'

export { keyType } from './known-hosts-lines.ts'

/** A host as known_hosts knows it. */
export interface HostIdentity {
  /** What is connected to: a host name or an address. */
  readonly name: string
  readonly port: number
  /** HostKeyAlias: stands for name and port. */
  readonly alias?: string | undefined
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
  /** The algorithms which fit the keys known of the host; ask for these first, else a known host looks like a changed one. */
  keyTypes(host: HostIdentity): readonly string[]
  /** Whether the host is known by `@cert-authority` lines only: it shows a certificate, and its key alone is not known. */
  authorities(host: HostIdentity): boolean
  /**
   * Writes the key down in a file, unless something is known of the host by now: the verdict says what. Afterwards `check`
   * answers `known`. A file which cannot be written is told as a notice, and the key counts for this run.
   */
  append(file: string, host: HostIdentity, key: Buffer, io: Abortable): Promise<Verdict>
}

/** `SHA256:` and the base64 digest, as ssh shows it. */
export const fingerprint = (key: Buffer): string => `SHA256:${hash('sha256', key, 'base64').replace(/=+$/, '')}`

/** Reads the files; absent ones are empty. What cannot be read or understood is told as a notice and left out. */
export const openKnownHosts = async (
  files: readonly string[],
  notice: (text: string) => void,
  io: Abortable,
): Promise<KnownHosts> => {
  const contents = new Map<string, Content>()
  for (const file of files) contents.set(file, await load(file, notice, io))
  return new FileKnownHosts(contents, notice)
}

/** What was last seen in a file. */
interface Content {
  /** Changes when anyone changes the file. */
  readonly stamp: string
  readonly lines: readonly HostLine[]
  /** How many lines there are, and whether the last one has its newline. */
  readonly count: number
  readonly ended: boolean
}

class FileKnownHosts implements KnownHosts {
  readonly #contents: Map<string, Content>
  readonly #notice: (text: string) => void
  readonly #told = new Set<string>()
  /** What was learnt but could not be written. */
  readonly #unwritten: HostLine[] = []
  #index: HostIndex
  /** The last append: they go one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(contents: Map<string, Content>, notice: (text: string) => void) {
    this.#contents = contents
    this.#notice = notice
    this.#index = this.#indexed()
  }

  check(host: HostIdentity, key: Buffer): Verdict {
    const [name, plainName] = namesOf(host)
    const found = this.#index.find(name)
    const verdict = judge(found, key)
    if (verdict.kind !== 'unknown' || plainName === undefined) return verdict
    const elsewhere = judge(this.#index.find(plainName), key)
    return elsewhere.kind === 'changed' ? { kind: 'unknown' } : elsewhere
  }

  keyTypes(host: HostIdentity): readonly string[] {
    const known = new Set(this.#known(host, 'host').map(({ key }) => keyType(key)))
    return [...PREFERENCE.filter(type => known.has(type)), ...known].reduce<string[]>((types, type) => {
      for (const algorithm of type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type])
        if (!types.includes(algorithm)) types.push(algorithm)
      return types
    }, [])
  }

  authorities(host: HostIdentity): boolean {
    return this.#known(host, 'host').length === 0 && this.#known(host, 'authority').length > 0
  }

  append(file: string, host: HostIdentity, key: Buffer, io: Abortable): Promise<Verdict> {
    const verdict = this.#turn.then(() => this.#append(file, host, key, io))
    // Its own caller hears of the failure; the next one's turn comes all the same.
    this.#turn = verdict.catch(() => {})
    return verdict
  }

  async #append(file: string, host: HostIdentity, key: Buffer, io: Abortable): Promise<Verdict> {
    io.signal.throwIfAborted()
    const [name] = namesOf(host)
    if (!WRITABLE_NAME.test(name))
      throw new StokerError('CONFIG', name, `${shown(name)} cannot be written to ${file}: it would be read as something else`)
    const present = this.check(host, key)
    if (present.kind !== 'unknown') return present
    const text = `${name.toLowerCase()} ${keyType(key)} ${key.toString('base64')}\n`
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      return await withLock(`${file}.stoker-lock`, () => this.#write(file, host, key, text, io), io)
    } catch (error) {
      if (io.signal.aborted) throw error
      const why = error instanceof Error ? error.message : String(error)
      this.#tell(`${file} cannot be written: ${why}; host keys accepted now are not remembered after this run`)
      this.#learn(parseHostLine(text, file, 0))
      return this.check(host, key)
    }
  }

  /** With the lock held: nobody of us writes at the same time. */
  async #write(file: string, host: HostIdentity, key: Buffer, text: string, io: Abortable): Promise<Verdict> {
    const before = await stamp(file)
    if (before !== this.#contents.get(file)?.stamp) {
      this.#contents.set(file, await load(file, this.#notice, io))
      this.#index = this.#indexed()
      const verdict = this.check(host, key)
      if (verdict.kind !== 'unknown') return verdict
    }
    const { lines, count, ended } = this.#contents.get(file) ?? EMPTY
    // One write on a descriptor which only appends: whole also beside an ssh, which knows nothing of our lock.
    await appendFile(file, ended ? text : `\n${text}`, { mode: 0o600 })
    const added = parseHostLine(text, file, count + 1)
    ...
  }
}
