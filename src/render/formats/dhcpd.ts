/** dhcpd.conf and dhcpd6.conf of ISC DHCP, dhcpd.conf(5): statements which end in a semicolon, texts in quotes. Pure. */
import type { Format } from '../../template/template.ts'
import type { DhcpOption } from '../data/model.ts'
import { bytesOf, textOf, token, WORDS } from './words.ts'

// Names, numbers, addresses, MACs, DUIDs. dhcpd reads up to 1,500 characters as one token; nothing of ours is near.
const bare = token(/^[A-Za-z0-9:][A-Za-z0-9._:-]{0,510}$/, 'dhcpd.conf; write {{quoted ...}}')

/**
 * A text in quotes: what is not printable ASCII goes as `\ooo`, byte by byte, so no text ends early, whatever is in it. The
 * second value is the most bytes which it may have, 255 (a DHCP option's) if there is none.
 */
const quoted = (value: unknown, most: unknown = 255): string => {
  const bytes = bytesOf(textOf(value), Number(most))
  if (bytes.includes(0)) throw new Error('it has a NUL byte, which ends a text for dhcpd')
  return `"${[...bytes].map(byte => (isPlain(byte) ? String.fromCharCode(byte) : octal(byte))).join('')}"`
}

const isPlain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`

/** `{{option this}}`: one DHCP option of the model as a statement. */
const option = (value: unknown): string => {
  const { name, value: content } = value as DhcpOption
  if (!/^[a-z][a-z0-9.-]{0,63}$/.test(name)) throw new Error('it is no option')
  return `option ${name} ${contentOf(content)};`
}

const contentOf = (content: DhcpOption['value']): string => {
  switch (content.kind) {
    case 'text':
      return quoted(content.text)
    case 'number':
      return String(content.number)
    case 'flag':
      return String(content.flag)
    case 'addresses':
      return content.addresses.map(WORDS.address).join(', ')
    case 'names':
      return content.names.map(name => quoted(WORDS.name(name))).join(', ')
    default:
      throw new Error(`unknown kind of option: ${content satisfies never}`)
  }
}

export const DHCPD: Format = { escape: bare, helpers: { ...WORDS, quoted, option } }
