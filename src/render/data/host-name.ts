/** Host names and domains in one spelling. Pure. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { shown } from '../../base/names.ts'

/** RFC 1035 section 2.3.4 counts 255 octets on the wire; as text without the last dot that is 253. */
const MAX_NAME = 253

// RFC 1123 section 2.1: letters, digits and inner dashes, 1 to 63 in a label. An underscore is for names of services.
const NAME = /^(?!-)[a-z\d-]{1,63}(?<!-)(?:\.(?!-)[a-z\d-]{1,63}(?<!-))*$/
const UNICODE = /^[\p{L}\p{N}\p{M}.-]+$/u

/**
 * A host's name or a domain as DNS has it: lower case, without a dot at its end, an international one as A-labels
 * (`xn--bcher-kva.example`, RFC 5891). Throws a `TypeError` which shows the text and says why it is none.
 */
export const parseHostName = (text: string): string => {
  const plain = text.endsWith('.') ? text.slice(0, -1).toLowerCase() : text.toLowerCase()
  if (plain.length <= MAX_NAME && NAME.test(plain) && !NUMBERS_LAST.test(plain)) return plain
  // Only letters go there: it takes %41 for A, and other blanks, dots and digits than ours for ours.
  const name = ASCII.test(plain) || !UNICODE.test(plain) ? plain : domainToASCII(plain)
  if (name !== plain && name.length <= MAX_NAME && NAME.test(name) && !NUMBERS_LAST.test(name)) return name
  throw new TypeError(`${shown(text)} is no host name: ${why(plain, name)}`)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what ASCII is
const ASCII = /^[\u0000-\u007f]*$/

// RFC 1123 section 2.1: what ends like an address would be taken for one.
const NUMBERS_LAST = /\.\d+$/

const why = (text: string, name: string): string => {
  if (text === '') return 'it is empty'
  if (isIP(text) !== 0 || NUMBERS_LAST.test(text) || NUMBERS_LAST.test(name)) return 'it reads like an address'
  const longest = Math.max(text.length, name.length)
  if (longest > MAX_NAME) return `it has ${longest} characters, ${MAX_NAME} are allowed`
  const long = name.split('.').find(label => label.length > 63)
  if (long !== undefined && /^[a-z\d.-]+$/.test(name))
    return `${long.length} characters between two dots, 63 are allowed`
  if (/^[a-z\d.-]*$/.test(text))
    return text.includes('..') || text.startsWith('.')
      ? 'a part of it is empty'
      : 'a part of it begins or ends with a dash'
  return text.includes('_')
    ? 'DNS has no underscore in the names of hosts; a dash would do'
    : 'it has a character which names of hosts do not have'
}
