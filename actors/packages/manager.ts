/** What the package managers have in common: what is asked of them, and what they answer. */
import { quote } from '../../src/base/quote.ts'

/** A package as it is asked for. */
export interface DesiredPackage {
  readonly name: string
  /** As the manager writes it, perhaps with `*`; without it any will do. */
  readonly version?: string
}

/** What a target's manager knows of one name. */
export interface KnownPackage {
  /** The installed version; `undefined`: it is not installed. */
  readonly installed?: string
  /** Not installed itself, but something which provides it is. */
  readonly provided?: boolean
  /** Removed, but its settings are still there. */
  readonly leftovers?: boolean
  /** It is not to be upgraded, by the administrator's word. */
  readonly held?: boolean
  /** What could be installed, the newest first. */
  readonly available: readonly string[]
  /** A newer version than the installed one. */
  readonly upgrade?: string
}

/** What a probe found. */
export interface Catalogue {
  /** Seconds since the index of packages was last refreshed; `undefined`: there is none, or its sources have changed since. */
  readonly age?: number
  /** By the name which was asked for; a name is absent when the manager has never heard of it. */
  readonly packages: ReadonlyMap<string, KnownPackage>
}

/** How packages are installed. */
export interface InstallOptions {
  /** Whether a version may be older than what is installed: one was asked for. */
  readonly downgrade: boolean
  /** Whether what they recommend comes along; `undefined`: as the manager is set up. */
  readonly recommends: boolean | undefined
}

export interface Manager {
  /**
   * A shell function `probe_NAME`, which changes nothing. `$@` are the names; `$need` says when the index is wanted: `always`,
   * when a name is `missing`, or `never`. Sections begin with a line `= WORD`.
   */
  readonly probe: string
  /** The sections by their words. Pure. */
  read(sections: ReadonlyMap<string, readonly string[]>, names: readonly string[]): Catalogue
  /** Shell: settings, and functions for the lines below. It may use `run`. */
  readonly prepare: string
  readonly refresh: string
  install(packages: readonly DesiredPackage[], options: InstallOptions): string
  /** `purge`: their settings as well. */
  remove(names: readonly string[], purge: boolean): string
}

/** Words for a line of shell. */
export const words = (texts: readonly string[]): string => texts.map(quote).join(' ')

/** The lines of a probe, by section. */
export const sectionsOf = (text: string): ReadonlyMap<string, readonly string[]> => {
  const sections = new Map<string, string[]>()
  let current: string[] = []
  for (const line of text.split('\n')) {
    const [, word] = /^= (\w+)$/.exec(line) ?? []
    if (word !== undefined) {
      current = []
      sections.set(word, current)
    } else if (line !== '') current.push(line)
  }
  return sections
}

/** The age which a probe printed as a number, if it did. */
export const ageOf = (lines: readonly string[] = []): { readonly age?: number } => {
  const age = Number.parseInt(lines[0] ?? '', 10)
  return Number.isNaN(age) ? {} : { age: Math.max(0, age) } // a clock may have been set back
}
