/** The format of fstab(5), edited; /proc/self/mounts has the same fields. Pure; bytes are characters, see lines.ts. */
import { insert, type Line, raw } from '../files/lines.ts'

export interface FstabEntry {
  readonly device: string
  readonly path: string
  readonly type: string
  /** Words with commas between. */
  readonly options: string
  readonly dump: number
  readonly pass: number
}

/** A field as getmntent(3) reads it; a `#` is written in octal too, since it would begin a comment in the first field. */
export const escapeField = (text: string): string =>
  text.replaceAll(/[ \t\n\\#]/g, character => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)

/** What a field means. */
export const unescapeField = (field: string): string =>
  Buffer.from(
    field.replaceAll(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  ).toString()

/** A line as an entry; `undefined` for comments and what has too few fields. */
export const parseEntry = (body: string): FstabEntry | undefined => {
  const [device = '#', path, type, options = 'defaults', dump = '0', pass = '0'] = body
    .split(/[ \t]+/)
    .filter(word => word !== '')
  if (device.startsWith('#') || path === undefined || type === undefined) return undefined
  return {
    device: unescapeField(device),
    path: unescapeField(path),
    type,
    options,
    dump: Number(dump),
    pass: Number(pass),
  }
}

const lineOf = ({ device, path, type, options, dump, pass }: FstabEntry): string =>
  raw(`${escapeField(device)} ${escapeField(path)} ${type} ${options} ${dump} ${pass}`)

/** Without slashes at the end: `/srv/` is `/srv`. */
export const plainPath = (path: string): string => path.replace(/(?<=.)\/+$/, '')

/** The entry for a mount point: the last, which is the one that shows. */
export const entryFor = (lines: readonly Line[], path: string): FstabEntry | undefined =>
  lines
    .map(({ body }) => parseEntry(body))
    .findLast(entry => entry !== undefined && plainPath(entry.path) === plainPath(path))

/** The lines with this entry as the only one of its mount point, where the last of them was, or at the end. */
export const withEntry = (lines: readonly Line[], entry: FstabEntry): readonly Line[] => {
  const entries = lines.map(({ body }) => parseEntry(body))
  const isOurs = (index: number) => plainPath(entries[index]?.path ?? '') === plainPath(entry.path)
  const last = lines.findLastIndex((_, index) => isOurs(index))
  if (last < 0) return insert(lines, lines.length, [lineOf(entry)])
  return lines.flatMap((line, index) => {
    if (!isOurs(index)) return [line]
    if (index !== last) return []
    return [sameEntry(entries[index] as FstabEntry, entry) ? line : { ...line, body: lineOf(entry) }]
  })
}

/** The lines without entries for the mount point. */
export const withoutEntry = (lines: readonly Line[], path: string): readonly Line[] =>
  lines.filter(({ body }) => plainPath(parseEntry(body)?.path ?? '') !== plainPath(path))

const sameEntry = (a: FstabEntry, b: FstabEntry): boolean =>
  lineOf({ ...a, path: plainPath(a.path) }) === lineOf({ ...b, path: plainPath(b.path) })
