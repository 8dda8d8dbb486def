/** Text from remote sides, made so that a terminal takes no harm from it. Pure. */

// C0 without tab and line feed, DEL, C1 (some terminals obey U+009B as they obey ESC [), and what reorders text.
const CONTROL = String.raw`\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069`
const SGR = String.raw`\u001b\[[\d;:]*m`
const UNSAFE = new RegExp(`[${CONTROL}]`, 'u')
const UNSAFE_OR_SGR = new RegExp(`${SGR}|[${CONTROL}]`, 'gu')
const UNSAFE_IN_LINE = new RegExp(`[${CONTROL}\\t\\n]`, 'gu')
const COLOURED_LINE = new RegExp(`^.*${SGR}.*$`, 'gmu')
const RESET = '\u001b[0m'

/**
 * Lines of output for a terminal: tab, line feed and colours (SGR) stay; a carriage return before a line feed goes; every
 * other control character becomes visible (`^G`, `^[`, `\u009b`). A line with colours ends with a reset, so that they do
 * not run into the next target's line.
 */
export const harmlessLines = (lines: string): string => {
  if (!UNSAFE.test(lines)) return lines
  return lines
    .replaceAll(/\r+\n/g, '\n')
    .replaceAll(UNSAFE_OR_SGR, found => (found.length > 1 ? found : visible(found)))
    .replaceAll(COLOURED_LINE, line => line + RESET)
}

/** A message on one line: a run of line ends and tabs becomes a space, every other control character becomes visible. */
export const harmlessMessage = (message: string): string =>
  message
    .trim()
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(UNSAFE_IN_LINE, visible)

const visible = (character: string): string => {
  const code = character.charCodeAt(0)
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`
  if (code === 0x7f) return '^?'
  return `\\u${code.toString(16).padStart(4, '0')}`
}
