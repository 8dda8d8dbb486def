/** ClusterShell's configuration files, as Python's configparser reads them. Pure. */
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'

export interface Section {
  readonly name: string
  /** The line of its head, from 1. */
  readonly line: number
  /** Values by key in lower case. */
  readonly values: ReadonlyMap<string, string>
}

/**
 * Sections with `key: value` or `key = value`; an indented line goes on with the value above it. Lines which start with `#`
 * or `;` are comments. Throws `CONFIG` with file and line.
 */
export const parseConf = (text: string, file: string): readonly Section[] => {
  const sections: { name: string; line: number; values: Map<string, string> }[] = []
  let key: string | undefined
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const content = line.trim()
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue
    const values = sections.at(-1)?.values
    if (/^\s/.test(line) && values && key !== undefined) {
      values.set(key, `${values.get(key)}\n${content}`)
      continue
    }
    const title = /^\[([^\]]+)\]/.exec(content)?.[1]
    const [, name, value] = /^([^:=]+?)\s*[:=]\s*(.*)$/.exec(content) ?? []
    if (title !== undefined) {
      if (sections.some(one => one.name === title)) throw broken(file, i + 1, `section ${shown(title)} is there twice`)
      sections.push({ name: title, line: i + 1, values: new Map() })
      key = undefined
    } else if (!values) {
      throw broken(file, i + 1, `expected a section such as [Main], found ${shown(content)}`)
    } else if (name === undefined || value === undefined) {
      throw broken(file, i + 1, `expected key: value, found ${shown(content)}`)
    } else {
      key = name.toLowerCase()
      if (values.has(key)) throw broken(file, i + 1, `${shown(key)} is there twice`)
      values.set(key, value)
    }
  }
  return sections
}

/** Words between blanks; quotes keep blanks, a backslash the character after it. */
export const splitWords = (text: string): readonly string[] =>
  [...text.matchAll(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/gs)].map(([word]) =>
    word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? '') : double.replaceAll(/\\(["\\])/g, '$1'),
    ),
  )

/** Python's `string.Template`: `$NAME` and `${NAME}` for the names which are known, `$$` for a dollar. */
export const substitute = (template: string, variables: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, name?: string, braced?: string) => {
    const variable = name ?? braced
    if (variable === undefined) return '$'
    return Object.hasOwn(variables, variable) ? (variables[variable] ?? '') : whole
  })

/** The error for a file which is wrong. */
export const broken = (file: string, line: number | undefined, what: string): StokerError =>
  new StokerError('CONFIG', file, `${file}${line === undefined ? '' : `:${line}`}: ${what}`)
