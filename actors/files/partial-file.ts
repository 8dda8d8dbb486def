/**
 * What stays of a large file when the connection broke in the middle of it: its beginning, beside the file, under a name which
 * tells whose beginning it is. Pure.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { quote } from '../../src/base/quote.ts'

/** Bytes from which on a beginning is worth keeping. */
export const MIN_PARTIAL_SIZE = 1024 * 1024

/** A beginning which was kept. */
export interface PartialFile {
  /** The first digits of the content's sha256. */
  readonly id: string
  /** Bytes. */
  readonly size: number
}

const DIGITS = 16

/** What tells a content from others, in names. */
export const idOf = (sha256: string): string => sha256.slice(0, DIGITS)

/** Where the beginning of a content lies which shall be at this absolute path. */
export const partialPath = (path: string, id: string): string => `${stem(path)}.${id}`

/** What the names begin with. The name of the file itself may be as long as a name can be. */
const stem = (path: string): string => {
  const cut = path.lastIndexOf('/') + 1
  const name = createHash('sha256').update(path.slice(cut)).digest('hex').slice(0, DIGITS)
  return `${path.slice(0, cut)}.stoker.part.${name}`
}

/** Those of the names in its folder which are beginnings of what was on its way to this path. */
export const partialsAmong = (
  names: readonly string[],
  path: string,
): readonly { readonly name: string; readonly id: string }[] => {
  const start = `${basename(stem(path))}.`
  return names
    .filter(name => name.startsWith(start) && ID.test(name.slice(start.length)))
    .map(name => ({ name, id: name.slice(start.length) }))
}

const ID = new RegExp(`^[0-9a-f]{${DIGITS}}$`)

/** Shell which prints a line for each beginning of whatever content was on its way to this path. */
export const probePartials = (path: string): string =>
  `for k in ${quote(stem(path))}.*; do if [ -f "$k" ] && [ ! -L "$k" ]; then ` +
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
  'echo "kept ${k##*.} $(stat -c %s "$k")"; fi; done'

/** The lines of `probePartials`, from the beginning of what a script has printed. */
export const parsePartials = (stdout: Uint8Array): readonly PartialFile[] => {
  const found: PartialFile[] = []
  for (const line of Buffer.from(stdout).toString('latin1').split('\n')) {
    const [, id, size] = /^kept ([0-9a-f]{16}) (\d+)$/.exec(line) ?? []
    if (id !== undefined) found.push({ id, size: Number(size) })
    else if (!line.startsWith('kept ')) break
  }
  return found
}
