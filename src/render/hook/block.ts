/** Lines of ours in a file which may be somebody else's: put in, found again, taken out without a trace. Pure. */
import { createHash } from 'node:crypto'

/** What the block was put into, so that taking it out leaves just that. */
export type Joint = 'new folder' | 'new file' | 'file' | 'unended file'

/** What a file says of the block. Texts hold one character for each byte, so that whatever else is in the file stays as it is. */
export type Found =
  | { readonly kind: 'absent' }
  /** As it was put in. */
  | { readonly kind: 'ours'; readonly body: string; readonly joint: Joint; readonly from: number; readonly to: number }
  /** Somebody has changed it. `line`: where it begins, from 1. */
  | { readonly kind: 'changed'; readonly line: number; readonly why: string }

const first = (name: string): string => `# >>> stoker hook ${name} >>>`
const last = (name: string): string => `# <<< stoker hook ${name} <<<`

/** The file with the block at its end. `file`: `undefined` when there is none. `body` ends with a line feed. */
export const addBlock = (file: string | undefined, name: string, body: string, isFolderNew = false): string => {
  if (file === undefined) return blockOf(name, body, isFolderNew ? 'new folder' : 'new file')
  if (file === '' || file.endsWith('\n')) return file + blockOf(name, body, 'file')
  return `${file}\n${blockOf(name, body, 'unended file')}`
}

/** The file with another body in the block. */
export const replaceBlock = (file: string, name: string, { joint, from, to }: Ours, body: string): string =>
  file.slice(0, from) + blockOf(name, body, joint) + file.slice(to)

/** The file without the block; `undefined` when there was none before, and nobody has written into it since. */
export const removeBlock = (file: string, { joint, from, to }: Ours): string | undefined => {
  const [before, after] = [file.slice(0, from), file.slice(to)]
  // Whoever added a line after ours wants it to be a line of its own.
  if (joint === 'unended file' && after === '') return before.slice(0, -1)
  const isOurs = joint === 'new file' || joint === 'new folder'
  return isOurs && before + after === '' ? undefined : before + after
}

type Ours = Extract<Found, { kind: 'ours' }>

/** The block in the file, if it is there. */
export const findBlock = (file: string, name: string): Found => {
  const from = lineStart(file, first(name), 0)
  const closing = lineStart(file, last(name), 0)
  if (from === undefined && closing === undefined) return { kind: 'absent' }
  const changed = (why: string): Found => ({ kind: 'changed', line: lineOf(file, from ?? closing ?? 0), why })
  if (from === undefined || closing === undefined || closing < from)
    return changed('its first or its last line is missing')
  const isAgain = (line: string, at: number) => lineStart(file, line, at + 1) !== undefined
  if (isAgain(first(name), from) || isAgain(last(name), closing)) return changed('it is there twice')
  const to = closing + last(name).length + 1
  const { joint, body } = BLOCK.exec(file.slice(from, closing))?.groups ?? {}
  const isJoint = joint !== undefined && JOINTS.some(one => one === joint)
  if (!isJoint || body === undefined || file.slice(from, to) !== blockOf(name, body, joint as Joint))
    return changed('it is not as it was written')
  return { kind: 'ours', body, joint: joint as Joint, from, to }
}

const JOINTS: readonly Joint[] = ['new folder', 'new file', 'file', 'unended file']
const BLOCK = /^[^\n]*\n# sum [\da-f]+, added to a (?<joint>[a-z ]+)\n(?<body>.*)$/s

const blockOf = (name: string, body: string, joint: Joint): string =>
  [
    `${first(name)} 'stoker hook remove ${name}' takes these lines away`,
    `# sum ${sumOf(body, joint)}, added to a ${joint}`,
    `${body}${last(name)}\n`,
  ].join('\n')

/** Enough to notice an edit; it keeps nobody from making a block of their own. */
const sumOf = (body: string, joint: Joint): string =>
  createHash('sha256').update(`${joint}\n${body}`, 'latin1').digest('hex').slice(0, 16)

/** Where the first line at or after `from` begins which starts with this. */
const lineStart = (file: string, text: string, from: number): number | undefined => {
  if (from === 0 && file.startsWith(text)) return 0
  const feed = file.indexOf(`\n${text}`, Math.max(0, from - 1))
  return feed < 0 ? undefined : feed + 1
}

const lineOf = (file: string, at: number): number => file.slice(0, at).split('\n').length
