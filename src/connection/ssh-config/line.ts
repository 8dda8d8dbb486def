/** One line of an ssh_config file, taken apart. Pure. */
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'

/** A place in a configuration file. */
export interface SourceLocation {
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** A text together with the place it comes from, for errors which show only when it is expanded. */
export interface Located {
  readonly text: string
  readonly location: SourceLocation
}

/** One line of a configuration: a keyword in lower case, its words, and the text they were read from. */
export interface ConfigLine {
  readonly keyword: string
  readonly words: readonly string[]
  readonly rest: string
  readonly location: SourceLocation
}

/** Reads one line; `undefined` for an empty line or a comment. Throws `CONFIG` when it has no value or an open quote. */
export const parseLine = (text: string, location: SourceLocation): ConfigLine | undefined => {
  const line = text.trim()
  if (line === '' || line.startsWith('#')) return undefined
  const [, keyword = '', rest = ''] = /^([^\s"=]*)[ \t]*=?[ \t]*(.*)$/s.exec(line) ?? []
  if (keyword === '') throw configError(location, `${shown(line)} does not start with an option's name`)
  if (rest === '') throw configError(location, `${keyword} has no value`)
  const words = splitWords(rest)
  if (words === undefined) throw configError(location, `${keyword} has an open quote`)
  return { keyword: keyword.toLowerCase(), words, rest, location }
}

/** An error about a place in a configuration file. */
export const configError = ({ file, line }: SourceLocation, message: string, cause?: unknown): StokerError =>
  new StokerError('CONFIG', file, `${file}:${line}: ${message}`, cause === undefined ? {} : { cause })

// Quotes of both kinds, backslash before a quote, a backslash or a space; a word which starts with # ends the line.
const splitWords = (text: string): string[] | undefined => {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    const next = text.charAt(i + 1)
    if (word === undefined && char === '#') break
    if (quote === '' && (char === ' ' || char === '\t')) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    word ??= ''
    if (char === '\\' && next !== '' && (`'"\\`.includes(next) || (quote === '' && next === ' ')))
      word += text.charAt(++i)
    else if (quote === '' && (char === '"' || char === "'")) quote = char
    else if (char === quote) quote = ''
    else word += char
  }
  if (quote !== '') return undefined
  if (word !== undefined) words.push(word)
  return words
}
