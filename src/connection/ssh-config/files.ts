/** Reads ssh_config files with everything they include into blocks: a condition and what holds under it. */
import { type FileHandle, glob, open } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { isAbsent, reason, StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import type { Setter } from './draft.ts'
import { type ConfigLine, configError, parseLine, type SourceLocation } from './line.ts'
import { parseOption } from './options.ts'
import { type Pattern, pattern, patternList } from './pattern.ts'

/** One criterion of a Match line. `final` has no pattern: it holds in the second reading only. */
export interface Criterion {
  readonly attribute: 'host' | 'originalhost' | 'user' | 'localuser' | 'final'
  readonly negated: boolean
  readonly matches: Pattern
  /** The pattern is `*`, so that a match says nothing about the host. */
  readonly any: boolean
}

/** When a block holds. */
export type Condition =
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  | { readonly kind: 'host'; readonly patterns: readonly Omit<Criterion, 'attribute'>[] }
  | {
      readonly kind: 'match'
      readonly criteria: readonly Criterion[]
      /** Asks for a second reading, whether it holds or not. */
      readonly wantsFinal: boolean
      /** The attribute which we do not evaluate, such as `exec`: the block never holds. */
      readonly skipped: string | undefined
      readonly location: SourceLocation
    }

/** A Host or Match section, or what stands before the first. Included files are blocks inside it. */
export interface Block {
  readonly condition: Condition
  readonly items: readonly (Setter | readonly Block[])[]
}

/** Whose files: relative includes, `~` and the check of permissions depend on it. */
export interface FileOrigin {
  readonly kind: 'user' | 'system'
  /** Relative includes start here. */
  readonly folder: string
  readonly home: string
  readonly warn: (text: string) => void
}

const MAX_DEPTH = 16 // as in OpenSSH

/** The blocks of a file, in order; none when there is no such file. Throws `CONFIG` with the place of what is wrong. */
export const readBlocks = async (file: string, origin: FileOrigin, io: Abortable): Promise<readonly Block[]> => {
  const text = await readConfig(file, origin.kind === 'user', io).catch((error: unknown) => {
    if (error instanceof StokerError || io.signal.aborted) throw error
    // ssh goes on without a file which it may not read, and says nothing; saying so is the least we can do.
    origin.warn(`${file} cannot be read and is left out: ${reason(error)}`)
    return undefined
  })
  return text === undefined ? [] : await parseBlocks(text, file, origin, 0, io)
}

/** Lines which hold for every host. Throws `CONFIG` with the line's number. */
export const linesBlock = (lines: readonly string[]): Block => ({
  condition: { kind: 'always' },
  items: lines.flatMap((text, index) => {
    const line = parseLine(text, { file: 'option for ssh', line: index + 1 })
    return (line && parseOption(line, 'user')) ?? []
  }),
})

const parseBlocks = async (
  text: string,
  file: string,
  origin: FileOrigin,
  depth: number,
  io: Abortable,
): Promise<readonly Block[]> => {
  let items: (Setter | readonly Block[])[] = []
  const blocks: Block[] = [{ condition: { kind: 'always' }, items }]
  for (const [index, content] of text.split('\n').entries()) {
    const line = parseLine(content, { file, line: index + 1 })
    if (line === undefined) continue
    if (line.keyword === 'host' || line.keyword === 'match') {
      items = []
      blocks.push({ condition: line.keyword === 'host' ? parseHost(line) : parseMatch(line), items })
    } else if (line.keyword === 'include') {
      items.push(await include(line, origin, depth, io))
    } else {
      const setter = parseOption(line, origin.kind)
      if (setter !== undefined) items.push(setter)
    }
  }
  return blocks
}

const include = async (
  line: ConfigLine,
  origin: FileOrigin,
  depth: number,
  io: Abortable,
): Promise<readonly Block[]> => {
  if (depth >= MAX_DEPTH) throw configError(line.location, `includes are nested more than ${MAX_DEPTH} deep`)
  const blocks: Block[] = []
  for (const word of line.words) {
    const tilde = word.startsWith('~/')
    if (word === '' || (word.startsWith('~') && !(tilde && origin.kind === 'user')))
      throw configError(line.location, `Include cannot use the path ${shown(word)}`)
    const path = tilde ? join(origin.home, word.slice(2)) : isAbsolute(word) ? word : join(origin.folder, word)
    for (const file of await expandGlob(path)) {
      const text = await readConfig(file, true, io).catch((error: unknown) => {
        if (error instanceof StokerError || io.signal.aborted) throw error
        throw configError(line.location, `the included ${file} cannot be read: ${reason(error)}`, error)
      })
      if (text !== undefined) blocks.push(...(await parseBlocks(text, file, origin, depth + 1, io)))
    }
  }
  return blocks
}

const expandGlob = async (path: string): Promise<readonly string[]> =>
  /[*?[]/.test(path) ? (await Array.fromAsync(glob(path))).sort() : [path]

/** A configuration file's text; `undefined` when there is none. */
const readConfig = async (file: string, checked: boolean, { signal }: Abortable): Promise<string | undefined> => {
  let handle: FileHandle
  try {
    handle = await open(file)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
  await using opened = handle
  const stat = await opened.stat()
  if (stat.isDirectory()) return '' // reached by a wildcard: nothing to read in it
  const user = process.getuid?.()
  if (checked && stat.isFile() && user !== undefined) {
    const fault = (stat.mode & 0o022) !== 0 ? 'others can write to it' : 'it belongs to another user'
    if ((stat.mode & 0o022) !== 0 || (stat.uid !== 0 && stat.uid !== user))
      throw new StokerError('CONFIG', file, `${file}: ${fault}, and ssh refuses such a file too (chown, chmod go-w)`)
  }
  return await opened.readFile({ encoding: 'utf8', signal })
}

const criterion = (text: string, compile: (text: string) => Pattern): Omit<Criterion, 'attribute'> => {
  const negated = text.startsWith('!')
  const rest = negated ? text.slice(1) : text
  return { negated, matches: compile(rest), any: rest === '*' }
}

const parseHost = (line: ConfigLine): Condition => {
  if (line.words.length === 0 || line.words.includes('')) throw configError(line.location, 'Host has an empty pattern')
  return { kind: 'host', patterns: line.words.map(word => criterion(word, pattern)) }
}

const ATTRIBUTES = ['host', 'originalhost', 'user', 'localuser'] as const

const parseMatch = (line: ConfigLine): Condition => {
  const words = line.words.flatMap(word => /^(!?[a-z-]+)=(.+)$/is.exec(word)?.slice(1) ?? [word])
  const criteria: Criterion[] = []
  let wantsFinal = false
  let skipped: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    const negated = word.startsWith('!')
    const name = (negated ? word.slice(1) : word).toLowerCase()
    if (name === 'all') {
      if (criteria.length > 1 || i < words.length - 1)
        throw configError(line.location, 'Match all cannot be combined with other criteria')
      if (negated) return { kind: 'never' }
      if (criteria.length === 0) return { kind: 'always' }
    } else if (name === 'final' || name === 'canonical') {
      // Without canonical host names both mean the second reading; only `final` asks for it.
      wantsFinal ||= name === 'final'
      criteria.push({ attribute: 'final', negated, matches: () => true, any: true })
    } else {
      const value = words[++i]
      if (value === undefined || value === '') throw configError(line.location, `Match ${shown(name)} has no value`)
      const attribute = ATTRIBUTES.find(known => known === name)
      if (attribute === undefined) skipped ??= name
      else criteria.push({ attribute, negated, matches: matcher(attribute, value), any: value === '*' })
    }
  }
  return { kind: 'match', criteria, wantsFinal, skipped, location: line.location }
}

const matcher = (attribute: Criterion['attribute'], value: string): Pattern => {
  if (attribute === 'user' || attribute === 'localuser') return patternList(value)
  const list = patternList(value.toLowerCase())
  return text => list(text.toLowerCase())
}
