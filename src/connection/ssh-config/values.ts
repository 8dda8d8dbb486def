/** The values of ssh_config(5): each reads what stands on a line, or throws `CONFIG` with its place. Pure. */
import { shown } from '../../base/names.ts'
import type { AlgorithmList, Jump } from './draft.ts'
import { type ConfigLine, configError, type Located } from './line.ts'

/** The one word of a line. */
export const single = (line: ConfigLine): string => {
  const [word, extra] = line.words
  if (word === undefined || word === '') throw configError(line.location, `${line.keyword} has no value`)
  if (extra !== undefined)
    throw configError(line.location, `${line.keyword} takes one value; ${shown(extra)} is too much`)
  return word
}

export const placed = (line: ConfigLine): Located => ({ text: single(line), location: line.location })

/** What the word stands for, whatever its case. */
export const oneOf = <T>(line: ConfigLine, values: Readonly<Record<string, T>>): T => {
  const word = single(line).toLowerCase()
  const value = Object.hasOwn(values, word) ? values[word] : undefined
  if (value !== undefined) return value
  throw configError(line.location, `${line.keyword} is one of ${Object.keys(values).join(', ')}, not ${shown(word)}`)
}

const YES_NO = { yes: true, no: false, true: true, false: false }

export const parseFlag = (line: ConfigLine): boolean => oneOf(line, YES_NO)

export const parsePort = (line: ConfigLine, word: string): number => {
  const port = word === 'ssh' ? 22 : /^\d{1,5}$/.test(word) ? Number(word) : 0
  if (port >= 1 && port <= 65535) return port
  throw configError(line.location, `${line.keyword} wants a port from 1 to 65535, not ${shown(word)}`)
}

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** A time as in ssh_config(5): `15`, `1m30s`. */
export const parseSeconds = (line: ConfigLine): number => {
  const word = single(line).toLowerCase()
  if (!/^(\d{1,9}[smhdw]?)+$/.test(word))
    throw configError(line.location, `${line.keyword} wants a time such as 15 or 1m, not ${shown(word)}`)
  const parts = word.matchAll(/(\d+)([smhdw]?)/g)
  return [...parts].reduce((sum, [, number, unit = '']) => sum + Number(number) * (SECONDS[unit] ?? 1), 0)
}

export const parseCount = (line: ConfigLine): number => {
  const word = single(line)
  if (/^\d{1,9}$/.test(word)) return Number(word)
  throw configError(line.location, `${line.keyword} wants a number, not ${shown(word)}`)
}

/** Empty for `none`. */
export const parseFiles = (line: ConfigLine): readonly Located[] => {
  if (line.words.includes('')) throw configError(line.location, `${line.keyword} has an empty file name`)
  if (isNone(line)) return []
  return line.words.map(text => ({ text, location: line.location }))
}

const CHANGES = { '+': 'append', '-': 'remove', '^': 'prepend' } as const

export const parseAlgorithms = (line: ConfigLine): AlgorithmList => {
  const word = single(line)
  const sign = word.charAt(0)
  const kind = sign === '+' || sign === '-' || sign === '^' ? CHANGES[sign] : 'only'
  const names = (kind === 'only' ? word : word.slice(1)).split(',').filter(name => name !== '')
  if (names.length === 0) throw configError(line.location, `${line.keyword} names no algorithm`)
  return { kind, names, location: line.location }
}

const JUMP =
  /^(?:ssh:\/\/)?(?:(?<user>[^@\s]+(?:@[^@\s]+)*)@)?(?:\[(?<v6>[^\]\s]+)\]|(?<host>[^:@[\]\s/]+))(?::(?<port>\d+))?\/?$/

export const parseJumps = (line: ConfigLine): readonly Jump[] =>
  // OpenSSH takes the rest of the line as it stands; a comment in it would only ever be a mistake.
  line.rest
    .replace(/\s#.*$/s, '')
    .split(',')
    .map(text => {
      const { user, v6, host = v6, port } = JUMP.exec(text)?.groups ?? {}
      if (host === undefined) throw configError(line.location, `ProxyJump: ${shown(text)} is not [user@]host[:port]`)
      return {
        host,
        ...(user === undefined ? {} : { user }),
        ...(port === undefined ? {} : { port: parsePort(line, port) }),
      }
    })

/** Names of variables, with wildcards; one with a `-` before it takes back those from before. */
export const parseEnvironmentNames = (line: ConfigLine): readonly string[] => {
  const wrong = line.words.find(word => word === '' || word.includes('='))
  if (wrong === undefined) return line.words
  throw configError(line.location, `${line.keyword} wants names of variables, not ${shown(wrong)}`)
}

/** Names and values; the first one of a name counts. */
export const parseEnvironment = (line: ConfigLine): ReadonlyMap<string, string> => {
  const variables = new Map<string, string>()
  for (const word of line.words) {
    const at = word.indexOf('=')
    if (at < 0) throw configError(line.location, `${line.keyword} wants NAME=value, not ${shown(word)}`)
    if (!variables.has(word.slice(0, at))) variables.set(word.slice(0, at), word.slice(at + 1))
  }
  return variables
}

/** Differentiated services (RFC 2474) as a byte of the IP header. */
const SERVICES: Readonly<Record<string, number>> = {
  ...{ af11: 0x28, af12: 0x30, af13: 0x38, af21: 0x48, af22: 0x50, af23: 0x58, af31: 0x68, af32: 0x70, af33: 0x78 },
  ...{ af41: 0x88, af42: 0x90, af43: 0x98, cs0: 0, cs1: 0x20, cs2: 0x40, cs3: 0x60, cs4: 0x80, cs5: 0xa0, cs6: 0xc0 },
  ...{ cs7: 0xe0, ef: 0xb8, le: 0x04, lowdelay: 0x10, throughput: 0x08, reliability: 0x04 },
}

/** The byte for sessions without a terminal, which is the second word's where there are two; `undefined` for `none`. */
export const parseService = (line: ConfigLine): { readonly byte: number | undefined } => {
  const [first = '', second = first, extra] = line.words
  if (extra !== undefined)
    throw configError(line.location, `${line.keyword} takes two values; ${shown(extra)} is too much`)
  const bytes = [first, second].map(word => {
    const byte = word.toLowerCase() === 'none' ? undefined : (SERVICES[word.toLowerCase()] ?? wholeNumber(word))
    if (Number.isNaN(byte) || (byte ?? 0) > 255)
      throw configError(line.location, `${line.keyword} does not know ${shown(word)}`)
    return byte
  })
  return { byte: bytes[1] }
}

// As strtol(3) with base 0.
const wholeNumber = (word: string): number =>
  /^0[0-7]+$/.test(word) ? Number.parseInt(word, 8) : /^(?:\d+|0x[\da-f]+)$/i.test(word) ? Number(word) : Number.NaN

export const isNone = ({ words }: ConfigLine): boolean => words.length === 1 && words[0]?.toLowerCase() === 'none'

/** For what is taken as it stands, comments and all. */
export const isWhollyNone = ({ rest }: ConfigLine): boolean => rest.toLowerCase() === 'none'
