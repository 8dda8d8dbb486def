/** What a server says of one entry, in a shape of our own. Pure. */
import type { SearchEntry } from 'ldapts'

export interface Entry {
  readonly dn: string
  /** Values by the attribute's name in lower case, in the server's order. What is no text is U+FFFD and base64. */
  readonly attributes: ReadonlyMap<string, readonly string[]>
  /** Attributes of which the server told only the first values (MS-ADTS section 3.1.1.3.1.3.3). */
  readonly cut: readonly string[]
}

export const entryOf = ({ name, attributes }: Pick<SearchEntry, 'name' | 'attributes'>): Entry => {
  const values = new Map<string, readonly string[]>()
  const cut: string[] = []
  for (const attribute of attributes) {
    const [type = '', ...options] = attribute.type.toLowerCase().split(';')
    if (options.some(option => option.startsWith('range='))) cut.push(type)
    // Values with an option, such as a language, are not what the plain attribute says.
    else if (options.length === 0) values.set(type, attribute.values.map(textOf))
  }
  return { dn: name, attributes: values, cut }
}

// Fit for no name and no address, and yet no two values become the same.
const textOf = (value: string | Buffer): string =>
  typeof value === 'string' ? value : `\ufffd${value.toString('base64')}`

/** The attribute's values without spaces around them; none when the entry does not have it, or when there is no such part. */
export const valuesOf = (entry: Entry, attribute: string | undefined): readonly string[] =>
  attribute === undefined ? [] : (entry.attributes.get(attribute.toLowerCase()) ?? []).map(trimmed)

// Not what `trim` takes as well: a line break in a name makes it another name.
const trimmed = (value: string): string =>
  value.startsWith(' ') || value.endsWith(' ') ? value.replaceAll(/^ +| +$/g, '') : value
