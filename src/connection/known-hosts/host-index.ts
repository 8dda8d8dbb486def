/** Finding the keys of a host among many lines. */
import { type HostLine, type Hosts, hides, type KnownKey, nameInFile } from './lines.ts'

/** Plain names are a look-up; a hashed line costs an HMAC for each new name, once. */
export class HostIndex {
  readonly #byName = new Map<string, HostLine[]>()
  readonly #patterns: { readonly hosts: Hosts & { readonly kind: 'patterns' }; readonly line: HostLine }[] = []
  #hashed: { readonly hosts: Hosts & { readonly kind: 'hashed' }; readonly line: HostLine }[] = []
  readonly #unhashed = new Set<string>()
  #hasAuthorities = false

  constructor(lines: Iterable<HostLine>) {
    for (const line of lines) this.add(line)
  }

  add(line: HostLine): void {
    const { hosts, known } = line
    this.#hasAuthorities ||= known.role === 'authority'
    if (hosts.kind === 'names') for (const name of hosts.names) this.#put(name, line)
    else if (hosts.kind === 'patterns') this.#patterns.push({ hosts, line })
    else {
      this.#hashed.push({ hosts, line })
      this.#unhashed.clear()
    }
  }

  /** Whether any line names an authority. */
  get hasAuthorities(): boolean {
    return this.#hasAuthorities
  }

  /** All keys on lines which name the host, those on lines with patterns last. */
  find(name: string): readonly KnownKey[] {
    const wanted = nameInFile(name)
    return [...this.#named(wanted), ...this.#matching(list => list.matches(wanted))].map(({ known }) => known)
  }

  /** All keys on lines which have the host's name to the letter, and do not leave out any of those other names of it. */
  findLiteral(name: string, others: readonly string[]): readonly KnownKey[] {
    const wanted = nameInFile(name)
    const also = others.map(nameInFile)
    const lines = this.#matching(
      list => list.literals.has(wanted) && list.matches(wanted) && !also.some(other => list.forbids(other)),
    )
    return [...this.#named(wanted), ...lines].map(({ known }) => known)
  }

  #matching(fits: (list: (Hosts & { readonly kind: 'patterns' })['list']) => boolean): readonly HostLine[] {
    return this.#patterns.filter(({ hosts }) => fits(hosts.list)).map(({ line }) => line)
  }

  #named(wanted: string): readonly HostLine[] {
    this.#unhash(wanted)
    return this.#byName.get(wanted) ?? []
  }

  // A line which hides this name cannot hide another one: it becomes a line with a plain name.
  #unhash(name: string): void {
    if (this.#hashed.length === 0 || this.#unhashed.has(name)) return
    this.#unhashed.add(name)
    const hidesIt = hides(name)
    this.#hashed = this.#hashed.filter(({ hosts, line }) => {
      if (!hidesIt(hosts)) return true
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
