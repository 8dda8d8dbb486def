/**
 * Files of lines, edited without touching what is not meant. A byte is one character here (latin1), so that text in any
 * encoding, CRLF, NUL bytes and a missing newline at the end come out as they went in. Pure.
 */
import { isUtf8 } from 'node:buffer'

export interface Line {
  /** The line's bytes without its end, a character each; see `raw` and `readable`. */
  readonly body: string
  /** Empty only on a last line which has no newline. */
  readonly end: '' | '\n' | '\r\n'
}

/** The bytes as lines. Nothing is lost: `joinLines` gives the same bytes. */
export const splitLines = (bytes: Uint8Array): readonly Line[] => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const lines: Line[] = []
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    if (newline < 0) return [...lines, { body: text.slice(start), end: '' }]
    const crlf = newline > start && text[newline - 1] === '\r'
    lines.push({ body: text.slice(start, crlf ? newline - 1 : newline), end: crlf ? '\r\n' : '\n' })
    start = newline + 1
  }
  return lines
}

export const joinLines = (lines: readonly Line[]): Uint8Array =>
  Buffer.from(lines.map(({ body, end }) => body + end).join(''), 'latin1')

/** Text as the bytes of its UTF-8, a character each. */
export const raw = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/** A line's body as a person reads it: as UTF-8 where it is that, else a character for each byte. */
export const readable = (body: string): string => {
  const bytes = Buffer.from(body, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : body
}

/** Without blanks and tabs around it. Not trim(): to it a byte of a UTF-8 letter may look like a space. */
export const trimmed = (body: string): string => {
  const isBlank = (index: number) => body[index] === ' ' || body[index] === '\t'
  let start = 0
  let end = body.length
  while (start < end && isBlank(start)) start++
  while (end > start && isBlank(end - 1)) end--
  return body.slice(start, end)
}

/** How the file ends its lines, judged by the first. */
export const endOf = (lines: readonly Line[]): '\n' | '\r\n' => lines[0]?.end || '\n'

/** The lines with more of them put in at an index. A last line without newline gets one when others follow. */
export const insert = (lines: readonly Line[], at: number, bodies: readonly string[]): readonly Line[] => {
  const end = endOf(lines)
  const before = lines.slice(0, at).map(line => (line.end === '' ? { ...line, end } : line))
  return [...before, ...bodies.map(body => ({ body, end })), ...lines.slice(at)]
}

/** Where new lines belong. */
export interface Anchor {
  /** After the last line that matches. */
  readonly after?: RegExp | 'EOF' | undefined
  /** Before the last line that matches. */
  readonly before?: RegExp | 'BOF' | undefined
}

/** The index at which new lines are put in: the end of the file when no line matches the anchor. */
export const insertionIndex = (lines: readonly Line[], { after, before }: Anchor): number => {
  if (before === 'BOF') return 0
  const pattern = before ?? after
  if (pattern === undefined || pattern === 'EOF') return lines.length
  const found = lines.findLastIndex(({ body }) => pattern.test(readable(body)))
  if (found < 0) return lines.length
  return before === undefined ? found + 1 : found
}
