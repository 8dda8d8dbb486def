/** A declaration file as `tsc` writes it, taken apart: its statements, what it imports and what it passes on. Pure. */

/** One declaration: an interface, a type, a constant, a function or a class. */
export interface Declaration {
  readonly name: string
  /** Whether it is for others. */
  readonly exported: boolean
  /** The comment before it, and itself. */
  readonly text: string
  /** All words of its code. Some of them are names which are declared elsewhere. */
  readonly words: ReadonlySet<string>
}

/** Where a name comes from: a path relative to the module. */
export interface Link {
  readonly name: string
  readonly from: string
}

export interface Module {
  readonly declarations: ReadonlyMap<string, Declaration>
  readonly imports: readonly Link[]
  readonly exports: readonly Link[]
  /** `export * from`. */
  readonly stars: readonly string[]
}

const DECLARATION = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|const|function|class) (\w+)/
// That of the module itself, before that of its first declaration.
const FURTHER_COMMENTS = /^(?:\/\*[\s\S]*?\*\/\s*)+(?=\/\*)/
const LINK = /^(import|export) (?:type )?(?:\{([^}]*)\}|\*) from '([^']+)'/

/** Throws for statements which it does not know, so that none is lost. */
export const parseModule = (text: string): Module => {
  const declarations = new Map<string, Declaration>()
  const [imports, exports, stars]: [Link[], Link[], string[]] = [[], [], []]
  for (const { text: whole, code } of statements(text)) {
    const [, kind, names, from = ''] = LINK.exec(code) ?? []
    const [, name] = DECLARATION.exec(code) ?? []
    if (name !== undefined) {
      if (declarations.has(name) || /\bimport\(/.test(code)) throw new Error(`cannot roll up: ${code}`)
      const words = new Set(code.replaceAll(/'[^']*'/g, '').match(/[\w$]+/g))
      declarations.set(name, {
        name,
        exported: code.startsWith('export '),
        text: whole.replace(FURTHER_COMMENTS, ''),
        words,
      })
    } else if (kind !== undefined && names !== undefined) {
      const links = kind === 'import' ? imports : exports
      links.push(...namesIn(names).map(one => ({ name: one, from })))
    } else if (kind === 'export') stars.push(from)
    else if (code !== 'export {};') throw new Error(`cannot roll up: ${code}`)
  }
  return { declarations, imports, exports, stars }
}

const namesIn = (list: string): readonly string[] =>
  list
    .split(',')
    .map(one => one.trim().replace(/^type /, ''))
    .filter(one => one !== '')
    .map(one => {
      if (/^\w+$/.test(one)) return one
      throw new Error(`cannot roll up a name by another: ${one}`)
    })

/** A comment, a string, a bracket, or the end of a statement. */
const TOKEN = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|[([{]|[)\]}]|;/g

/** The statements, each with the comments before it; `code` is without any comment. */
function* statements(text: string): Generator<{ readonly text: string; readonly code: string }> {
  let start = 0
  let depth = 0
  const bare = (part: string) => part.replaceAll(/\/\*[\s\S]*?\*\/\n?|^\s*\/\/.*\n/gm, '').trim()
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if ('([{'.includes(token)) depth += 1
    if (')]}'.includes(token)) depth -= 1
    if (depth > 0 || !(token === ';' || token === '}')) continue
    const whole = text.slice(start, index + 1)
    const code = bare(whole)
    // Only these end with their bracket; a type's bracket may be followed by more.
    if (token === '}' && !/^(export )?(declare )?(abstract )?(interface|class) /.test(code)) continue
    yield { text: whole.trim(), code }
    start = index + 1
  }
  if (bare(text.slice(start)) !== '') throw new Error(`cannot roll up: ${text.slice(start)}`)
}
