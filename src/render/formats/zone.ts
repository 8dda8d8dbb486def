/** Master files of DNS zones, RFC 1035 section 5. Pure. */
import type { Format } from '../../template/template.ts'
import { bytesOf, textOf, token, WORDS } from './words.ts'

// Names, addresses, numbers; `@` alone is the zone itself. No `*`: it would answer for names which nobody entered.
const bare = token(/^(?:@|[A-Za-z0-9_:][\w.:/-]{0,253})$/, 'a zone file; write {{quoted ...}}')

/** A host's name with the dot at its end, without which the zone's own name is put behind it. */
const fqdn = (value: unknown): string => `${WORDS.name(value)}.`

/** Text records: strings of up to 255 bytes in quotes, `\DDD` for what is not printable ASCII. */
const quoted = (value: unknown): string => {
  const bytes = bytesOf(textOf(value), 65_000)
  const strings: string[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += 255)
    strings.push(`"${[...bytes.subarray(at, at + 255)].map(character).join('')}"`)
  return strings.join(' ')
}

const character = (byte: number): string => {
  const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
  return isPlain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`
}

export const ZONE: Format = { escape: bare, helpers: { ...WORDS, fqdn, quoted } }
