/** Ethernet addresses in one spelling. */
import { shown } from './names.ts'

// aa:bb:cc:dd:ee:ff, aa-bb-cc-dd-ee-ff (digits may be single there: 8:0:20:1:2:3), aabb.ccdd.eeff, aabbccddeeff
const PAIRS = /^[\da-f]{1,2}(?:([:-])[\da-f]{1,2})(?:\1[\da-f]{1,2}){4}$/i
const WORDS = /^[\da-f]{4}\.[\da-f]{4}\.[\da-f]{4}$/i
const BARE = /^[\da-f]{12}$/i

/**
 * An Ethernet address (EUI-48) in any common spelling, as lower case pairs with colons: `52:54:00:ab:cd:ef`.
 * Throws a `TypeError` which shows the text; who calls knows which node it belongs to.
 */
export const parseMac = (text: string): string => {
  const trimmed = text.trim()
  const pairs = PAIRS.test(trimmed)
    ? trimmed.split(/[:-]/).map(digits => digits.padStart(2, '0'))
    : WORDS.test(trimmed) || BARE.test(trimmed)
      ? trimmed.replaceAll('.', '').match(/../g)
      : undefined
  if (!pairs) throw new TypeError(`${shown(text)} is not an Ethernet address; write it like 52:54:00:ab:cd:ef`)
  return pairs.join(':').toLowerCase()
}
