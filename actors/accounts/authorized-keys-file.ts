/** The format of authorized_keys, sshd(8) "AUTHORIZED_KEYS FILE FORMAT", edited. Pure; bytes are characters, see lines.ts. */
import { createHash } from 'node:crypto'
import { insert, type Line, trimmed } from '../files/lines.ts'

export interface AuthorizedKey {
  /** What stands before the key: `no-pty,from="10.0.0.0/8"`; often empty. */
  readonly options: string
  readonly type: string
  /** The key itself in base64: what tells keys apart. */
  readonly blob: string
  readonly comment: string
}

const TYPE = /^(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+$/
// Options: no space but between double quotes, where a backslash may stand before a quote.
const OPTIONS = /^(?:[^\s"]|"(?:[^"\\]|\\.)*")+$/
const LINE =
  /^[ \t]*(?:((?:[^\s"]|"(?:[^"\\]|\\.)*")+)[ \t]+)??((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+)[ \t]+([A-Za-z0-9+/]+=*)(?:[ \t]+(.*))?$/s

/** Whether the text can stand before a key. */
export const areOptions = (text: string): boolean => OPTIONS.test(text) && !TYPE.test(text)

/** A line as a key; `undefined` for comments, empty lines, and what is no key at all. */
export const parseKey = (line: string): AuthorizedKey | undefined => {
  const [, options = '', type, blob, comment = ''] = LINE.exec(line) ?? []
  if (line.trimStart().startsWith('#') || type === undefined || blob === undefined) return undefined
  return typeInside(blob) === type ? { options, type, blob, comment: trimmed(comment) } : undefined
}

/** The key's type as its own bytes say it (RFC 4253 section 6.6): a blob cut short or mistyped says something else. */
const typeInside = (blob: string): string | undefined => {
  const bytes = Buffer.from(blob, 'base64')
  if (bytes.length < 8) return undefined
  let at = 0
  let first: string | undefined
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32BE(at)
    if (at + 4 + length > bytes.length) return undefined
    first ??= bytes.toString('latin1', at + 4, at + 4 + length)
    at += 4 + length
  }
  return at === bytes.length ? first : undefined
}

/** As `ssh-keygen -l` shows it: `SHA256:...`. */
export const fingerprint = ({ blob }: AuthorizedKey): string =>
  `SHA256:${createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64').replace(/=+$/, '')}`

export const keyLine = ({ options, type, blob, comment }: AuthorizedKey): string =>
  [options, type, blob, comment].filter(word => word !== '').join(' ')

export interface KeyEdit {
  readonly lines: readonly Line[]
  readonly added: readonly AuthorizedKey[]
  /** Those whose options or comment change. */
  readonly changed: readonly AuthorizedKey[]
  /** How many lines go. */
  readonly removed: number
}

/** The lines with these keys in them, each once, exactly as given. `exclusive`: no others; comments stay. */
export const withKeys = (lines: readonly Line[], keys: readonly AuthorizedKey[], exclusive: boolean): KeyEdit => {
  const missing = new Map(keys.map(key => [key.blob, key]))
  const wanted = new Map(missing)
  const changed: AuthorizedKey[] = []
  const kept: Line[] = []
  for (const line of lines) {
    const present = parseKey(line.body)
    const key = present && wanted.get(present.blob)
    if (!key) {
      if (!exclusive || /^[ \t]*(#.*)?$/.test(line.body)) kept.push(line)
      continue
    }
    if (!missing.delete(present.blob)) continue
    const same =
      key.options === present.options &&
      key.type === present.type &&
      (key.comment === '' || key.comment === present.comment)
    if (!same) changed.push(key)
    kept.push(same ? line : { ...line, body: keyLine({ ...key, comment: key.comment || present.comment }) })
  }
  const added = [...missing.values()]
  const result = added.length === 0 ? kept : insert(kept, kept.length, added.map(keyLine))
  return { lines: result, added, changed, removed: lines.length - kept.length }
}

/** The lines without these keys, whatever their options and comments. */
export const withoutKeys = (lines: readonly Line[], keys: readonly AuthorizedKey[]): KeyEdit => {
  const unwanted = new Set(keys.map(({ blob }) => blob))
  const kept = lines.filter(({ body }) => !unwanted.has(parseKey(body)?.blob ?? ''))
  return { lines: kept, added: [], changed: [], removed: lines.length - kept.length }
}
