/** Distinguished names (RFC 4514): enough of them to know two spellings of one, and to take the name out of it. Pure. */

/** One part of a DN: usually one type and value, `cn=web1`; joined by `+` when there are several. */
export type Rdn = readonly { readonly type: string; readonly value: string }[]

/** The first part of a DN; empty for the empty DN and for what is no DN. */
export const firstRdn = (dn: string): Rdn => parseRdn(split(dn, /[,;]/)[0] ?? '')

/**
 * A text which two spellings of one DN have in common: case, blanks around `,` `=` `+`, the order around `+` and the way of
 * escaping do not count. (Servers compare most values without case, names of machines and groups among them.)
 */
export const dnKey = (dn: string): string => {
  if (PLAIN.test(dn)) return dn.toLowerCase()
  return split(dn, /[,;]/)
    .map(part =>
      parseRdn(part)
        .map(({ type, value }) => `${type}=${folded(value)}`)
        .sort()
        .join('+'),
    )
    .join(',')
}

/** The key of the entry above, from an entry's key; empty above the top. */
export const parentKey = (key: string): string => {
  let at = 0
  while (at < key.length && key[at] !== ',') at += key[at] === '\\' ? 2 : 1
  return key.slice(at + 1)
}

/** What nearly all DNs look like: nothing to unescape, to trim or to put in order. */
const PLAIN = /^[\w-]+=[\w.:@-]+(?:,[\w-]+=[\w.:@-]+)*$/

const folded = (value: string): string =>
  value
    .trim()
    .replaceAll(/\s+/g, ' ')
    .toLowerCase()
    .replaceAll(/[\\,+=]/g, '\\$&')

/** Splits at separators which are neither escaped nor in quotes. */
const split = (text: string, separator: RegExp): readonly string[] => {
  const parts: string[] = []
  let from = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if (char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && separator.test(char)) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  return [...parts, text.slice(from)]
}

const parseRdn = (text: string): Rdn =>
  split(text, /\+/).flatMap(pair => {
    const at = pair.indexOf('=')
    if (at < 1) return []
    return [{ type: pair.slice(0, at).trim().toLowerCase(), value: unescaped(pair.slice(at + 1)) }]
  })

/** Escapes stand for a character, or in hex for bytes of UTF-8; blanks around the value count only when they are escaped. */
const unescaped = (text: string): string => {
  const [, quoted] = /^\s*"(.*)"\s*$/s.exec(text) ?? []
  const value = quoted ?? text.trimStart().replace(/(?<!\\)\s+$/, '')
  return value.replaceAll(/(?:\\[\da-f]{2})+|\\(.)/gis, (bytes, char: string | undefined) =>
    char === undefined ? Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8') : char,
  )
}
