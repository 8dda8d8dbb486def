/** DHCP unique identifiers. Pure. */
import { shown } from '../../base/names.ts'

/**
 * A DUID (RFC 8415 section 11: two octets of type, and up to 128 more) as lower case pairs with colons. Written with colons,
 * with dashes or without; between colons a leading zero may be missing, as dhcpd writes it. Throws a `TypeError`.
 */
export const parseDuid = (text: string): string => {
  const trimmed = text.trim()
  const pairs = /^[\da-f]{1,2}(?:([:-])[\da-f]{1,2})(?:\1[\da-f]{1,2})*$/i.test(trimmed)
    ? trimmed.split(/[:-]/).map(digits => digits.padStart(2, '0'))
    : /^(?:[\da-f]{2})+$/i.test(trimmed)
      ? trimmed.match(/../g)
      : undefined
  if (!pairs || pairs.length < 3 || pairs.length > 130)
    throw new TypeError(`${shown(text)} is no DUID; write it like 00:03:00:01:52:54:00:ab:cd:ef`)
  return pairs.join(':').toLowerCase()
}
