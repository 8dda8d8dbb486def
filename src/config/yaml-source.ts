/** YAML text as plain data which remembers its places, so that an error can say `file:line:column`. Pure. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument } from 'yaml'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'

/** The way to a value: `['warehouses', 0, 'kind']`. */
export type Path = readonly (string | number)[]

export interface YamlSource {
  /** The file as messages name it. */
  readonly file: string
  /** Plain data: `null`, booleans, numbers, texts, arrays, and objects whose keys are the texts which stand in the file. */
  readonly value: unknown
  /** `file:line:column` of the value at the path, or of the key in front of it; of what encloses it when it is missing. */
  formatLocation(path: Path, on?: 'key' | 'value'): string
  /** The error to throw about the value (or key) at the path; the message gets place and path in front. */
  error(path: Path, message: string, options?: { readonly on?: 'key' | 'value'; readonly cause?: unknown }): StokerError
}

/** More than any hand-written file needs, and little enough to walk through. */
const MAX_FROM_ALIASES = 100_000
const MAX_DEPTH = 100

/** Reads one YAML 1.2 document. Throws `CONFIG` for broken YAML, duplicate keys, tags, and aliases which multiply. */
export const parseYaml = (text: string, file: string): YamlSource => {
  const fail = (offset: number, message: string): StokerError =>
    new StokerError('CONFIG', file, `${file}:${lineColumn(text, offset)}: ${message}`)
  // Its own check for duplicate keys compares each key with all others; ours is in `plain`.
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, resolveKnownTags: false })
  const [broken] = [...document.errors, ...document.warnings]
  if (broken) throw fail(broken.pos[0], explain(broken.message, text, broken.pos[0]))
  const value = plain(document, fail)
  const formatLocation: YamlSource['formatLocation'] = (path, on = 'value') =>
    `${file}:${lineColumn(text, offsetOf(document, path, on))}`
  return {
    file,
    value,
    formatLocation,
    error: (path, message, { on = 'value', cause } = {}) => {
      const name = formatPath(path)
      const sentence = name === '' ? message : `${name}: ${message}`
      return new StokerError(
        'CONFIG',
        name || file,
        `${formatLocation(path, on)}: ${sentence}`,
        cause === undefined ? {} : { cause },
      )
    },
  }
}

/** A path as people write it: `warehouses[0].kind`; a key with a dot or a space is quoted. */
export const formatPath = (path: Path): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${formatKey(step)}`)).join('')

/** A key as `formatPath` writes it. */
export const formatKey = (key: string): string => (/^[^\s.\p{Cc}\p{Cf}]+$/u.test(key) ? key : shown(key))

type Fail = (offset: number, message: string) => StokerError

/** The document as plain data. Not the library's own conversion: keys keep their text (`1e3`, `007`), and duplicates are found. */
const plain = (document: Document, fail: Fail): unknown => {
  let copied = 0
  const convert = (node: unknown, depth: number, copy: boolean): unknown => {
    if (depth > MAX_DEPTH) throw fail(offset(node), `nested more than ${MAX_DEPTH} deep`)
    if (copy && ++copied > MAX_FROM_ALIASES) throw fail(offset(node), 'aliases make this file grow beyond measure')
    if (isScalar(node)) return node.value
    if (isSeq(node)) return node.items.map(item => convert(item, depth + 1, copy))
    if (isMap(node)) return mapping(node.items, depth, copy)
    if (!isAlias(node)) return null
    const anchored = node.resolve(document)
    if (!anchored)
      throw fail(
        offset(node),
        `there is no anchor &${node.source} before this alias; text which starts with * needs quotes`,
      )
    return convert(anchored, depth + 1, true)
  }
  const mapping = (pairs: readonly Pair[], depth: number, copy: boolean) => {
    const object: Record<string, unknown> = {}
    for (const { key, value } of pairs) {
      const text = keyText(key)
      if (text === undefined) throw fail(offset(key), `a key must be plain text${isMap(key) ? `; ${BRACES}` : ''}`)
      if (text === '__proto__') throw fail(offset(key), '__proto__ cannot be a key')
      if (Object.hasOwn(object, text)) {
        const first = pairs.find(pair => keyText(pair.key) === text)
        throw fail(
          offset(key),
          `${shown(text)} stands here twice; first at ${fail(offset(first?.key), '').message.slice(0, -2)}`,
        )
      }
      object[text] = convert(value, depth + 1, copy)
    }
    return object
  }
  return convert(document.contents, 0, false)
}

const keyText = (key: unknown): string | undefined => (isScalar(key) ? (key.source ?? String(key.value)) : undefined)

const offset = (node: unknown): number => (node as Node | undefined)?.range?.[0] ?? 0

const offsetOf = (document: Document, path: Path, on: 'key' | 'value'): number => {
  let node: unknown = document.contents
  let found = offset(node)
  for (const [i, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => keyText(key) === String(step))
      if (!pair) return found
      node = pair.value
      found = offset(on === 'key' && i === path.length - 1 ? pair.key : (node ?? pair.key))
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)]
      if (item === undefined) return found
      node = item
      found = offset(node)
    } else return found
  }
  return found
}

const lineColumn = (text: string, offset: number): string => {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return `${line}:${offset - before.lastIndexOf('\n')}`
}

const BRACES = 'text with {{ }} needs quotes: "{{node.name}}"'

/** The parser's message with what to try, where the language of targets and that of YAML get in each other's way. */
const explain = (message: string, text: string, offset: number): string => {
  const here = text[offset] ?? ' '
  if ('@`!&*%'.includes(here))
    return `text which starts with ${here} needs quotes: "${here}..." (${lowerFirst(message)})`
  if (text.startsWith('{{', offset)) return `${BRACES} (${lowerFirst(message)})`
  if ('[]'.includes(here) && /[^\s[{,:]$/.test(text.slice(0, offset)))
    return `text with brackets needs quotes inside { } and [ ]: "web[1-4]" (${lowerFirst(message)})`
  if (message.includes('stack size')) return 'nested too deep'
  return lowerFirst(message)
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
