/** Entries whose statements count for what is below them in the tree. Pure. */
import { dnKey, parentKey } from './dn.ts'
import { type Entry, valuesOf } from './entry.ts'
import type { Statement } from './statements.ts'

export interface Scopes {
  /** The statements of the entries around, the nearest one's first; not the entry's own. */
  around(dn: string): readonly Statement[]
}

const STATEMENTS = ['dhcpOption', 'dhcpStatements']

export const scopesOf = (entries: readonly Entry[]): Scopes => {
  const own = new Map(entries.map(entry => [dnKey(entry.dn), entry]))
  const known = new Map<string, readonly Statement[]>()
  const from = (key: string): readonly Statement[] => {
    if (key === '') return NONE
    const before = known.get(key)
    if (before) return before
    const [entry, outer] = [own.get(key), from(parentKey(key))]
    const all = entry ? [...statementsOf(entry, STATEMENTS), ...outer] : outer
    known.set(key, all)
    return all
  }
  return { around: dn => (own.size === 0 ? NONE : from(parentKey(dnKey(dn)))) }
}

/** What the entry says in these attributes, with who says it. */
export const statementsOf = (entry: Entry, attributes: readonly string[]): readonly Statement[] =>
  attributes.flatMap(attribute => valuesOf(entry, attribute).map(text => ({ text, id: entry.dn })))

const NONE: readonly Statement[] = []
