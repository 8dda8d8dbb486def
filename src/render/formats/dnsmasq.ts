/** dnsmasq's configuration and its dhcp-hosts and dhcp-options files: one `key=word,word` a line. Pure. */
import { isIPv6 } from 'node:net'
import type { Format } from '../../template/template.ts'
import { oneLine, textOf, token, WORDS } from './words.ts'

// Commas separate, # begins a comment, quotes and backslashes have meanings, blanks are cut off.
const bare = token(/^[\w.:/@%+=*~^[\]-]+$/, "dnsmasq's files; write {{quoted ...}}")

/** A text in quotes; inside, dnsmasq reads `\"` and `\\` as these characters, and no other as its own. */
const quoted = (value: unknown): string => `"${oneLine(textOf(value)).replaceAll(/["\\]/g, '\\$&')}"`

/** An address as it stands among other words: IPv6 in brackets. */
const bracketed = (value: unknown): string => {
  const address = WORDS.address(value)
  return isIPv6(address) ? `[${address}]` : address
}

/** dnsmasq 2.90 reads its files by 1,024 bytes; what is behind them it takes for a line of its own. */
const MAX_LINE = 1023

export const DNSMASQ: Format = { escape: bare, helpers: { ...WORDS, quoted, bracketed }, maxLine: MAX_LINE }
