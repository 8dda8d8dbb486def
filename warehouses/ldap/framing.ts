/** Bytes -> whole LDAP messages (RFC 4511 section 5.1), each well formed as far as its parts lie within each other. Pure. */

const MAX_MESSAGE = 2 ** 28
const MAX_DEPTH = 20

/**
 * Takes bytes as they come and returns the messages which are complete. Throws an `Error` for what is none: a parser which
 * believed a wrong length could read on for ever.
 */
export const messageFraming = (): ((data: Buffer) => readonly Buffer[]) => {
  let parts: Buffer[] = []
  let size = 0
  let wanted = 0
  return data => {
    parts.push(data)
    size += data.length
    if (size < wanted) return []
    const bytes = parts.length === 1 ? data : Buffer.concat(parts)
    const messages: Buffer[] = []
    let at = 0
    for (;;) {
      const end = endOf(bytes, at)
      wanted = end === undefined ? 0 : end - at
      if (end === undefined || end > bytes.length) break
      check(bytes, at, end, 0)
      messages.push(bytes.subarray(at, end))
      at = end
    }
    parts = at < bytes.length ? [bytes.subarray(at)] : []
    size = bytes.length - at
    return messages
  }
}

/** Where the element at `at` ends, be it there already or not; `undefined` when its length is not there yet. */
const endOf = (bytes: Buffer, at: number): number | undefined => {
  if (at < bytes.length && bytes[at] !== SEQUENCE) throw malformed()
  const content = contentOf(bytes, at)
  if (content === undefined) return undefined
  if (content.end - at > MAX_MESSAGE) throw malformed()
  return content.end
}

const SEQUENCE = 0x30
const CONSTRUCTED = 0x20

/** The elements from `from` to `to`, and those inside them, must fill their place exactly. */
const check = (bytes: Buffer, from: number, to: number, depth: number): void => {
  if (depth > MAX_DEPTH) throw malformed()
  for (let at = from; at < to; ) {
    const content = contentOf(bytes, at)
    if (content === undefined || content.end > to) throw malformed()
    if ((bytes[at] as number) & CONSTRUCTED) check(bytes, content.start, content.end, depth + 1)
    at = content.end
  }
}

/** Tag in one byte, length in one or, behind their number, in up to four (X.690 section 8.1). */
const contentOf = (bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined => {
  const first = bytes[at + 1]
  if (first === undefined) return undefined
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const count = first - 0x80
  if (count < 1 || count > 4) throw malformed()
  const start = at + 2 + count
  if (start > bytes.length) return undefined
  return { start, end: start + bytes.readUIntBE(at + 2, count) }
}

const malformed = (): Error => Object.assign(new Error('not LDAP'), { code: 'NOT_LDAP' })
