/** LDAP filters (RFC 4515): the text as a tree, so that no text of ours and theirs is ever put together. Pure. */
import { AndFilter, type Filter, FilterParser, OrFilter } from 'ldapts'
import { shown } from '../../src/base/names.ts'

export type { Filter } from 'ldapts'

/** The filter in a text, with or without its outer parentheses. Throws an `Error` which says what is wrong with it. */
export const parseFilter = (text: string): Filter => {
  const trimmed = text.trim()
  try {
    return FilterParser.parseString(withCharacters(trimmed))
  } catch (thrown) {
    // What follows the colon is the text again.
    const why =
      thrown instanceof RangeError ? 'nested too deep' : (thrown as Error).message.split(':')[0]?.toLowerCase()
    throw new Error(`${shown(trimmed)}: ${why}`, { cause: thrown })
  }
}

export const both = (left: Filter, right: Filter): Filter => new AndFilter({ filters: [left, right] })

/** What one of them matches; `undefined` for none. */
export const either = (some: ReadonlySet<Filter>): Filter | undefined => {
  const filters = [...some]
  return filters.length < 2 ? filters[0] : new OrFilter({ filters })
}

/** The parser takes `\c3\a9` for two characters, not for the two bytes of one: they are put together for it. */
const withCharacters = (text: string): string =>
  text.replaceAll(/(?:\\[89a-f][\da-f])+/gi, bytes => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes.replaceAll('\\', ''), 'hex'))
    } catch (cause) {
      throw new Error('bytes which are no text in UTF-8', { cause })
    }
  })
