/** The options of ssh_config(5) which we follow: one line of text in, what it sets out. Pure. */
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

/** A host to go through. Its own settings are looked up like those of any other host. */
export interface Jump {
  readonly user?: string
  readonly host: string
  readonly port?: number
}

/** A list of algorithms, or a change to the default list. Names may have wildcards in `remove` only. */
export interface AlgorithmList {
  readonly kind: 'only' | 'append' | 'prepend' | 'remove'
  readonly names: readonly string[]
}

/** What was set so far for one host; the first value of each option stays. */
export interface Draft {
  hostName?: Located
  user?: string
  port?: number
  /** `IdentityFile none` stands among them as `none`. */
  readonly identityFiles: Located[]
  identitiesOnly?: boolean
  identityAgent?: Located
  userKnownHostsFiles?: readonly Located[]
  globalKnownHostsFiles?: readonly Located[]
  strictHostKeyChecking?: { readonly value: 'strict' | 'accept-new' | 'off'; readonly location: SourceLocation }
  hostKeyAlias?: Located
  /** ProxyJump and ProxyCommand compete: the first one of either wins, `none` included. */
  proxy?:
    | { readonly kind: 'none' }
    | { readonly kind: 'jump'; readonly jumps: readonly Jump[]; readonly location: SourceLocation }
    | { readonly kind: 'command'; readonly command: string }
  hostKeyAlgorithms?: AlgorithmList
  kexAlgorithms?: AlgorithmList
  ciphers?: AlgorithmList
  macs?: AlgorithmList
  /** Seconds. */
  serverAliveInterval?: number
  serverAliveCountMax?: number
  /** Options which OpenSSH would follow and we do not, by name. */
  readonly notFollowed: Map<string, SourceLocation>
}

/** Puts one option's value into a draft. */
export type Setter = (draft: Draft) => void

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

/** What the line sets; `undefined` for an option which does not concern us. Throws `CONFIG` for a bad value. */
export const parseOption = (line: ConfigLine): Setter | undefined => OPTIONS[line.keyword]?.(line)

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

const single = (line: ConfigLine): string => {
  const [word, extra] = line.words
  if (word === undefined || word === '') throw configError(line.location, `${line.keyword} has no value`)
  if (extra !== undefined)
    throw configError(line.location, `${line.keyword} takes one value; ${shown(extra)} is too much`)
  return word
}

const oneOf = <T>(line: ConfigLine, values: Readonly<Record<string, T>>): T => {
  const word = single(line).toLowerCase()
  const value = Object.hasOwn(values, word) ? values[word] : undefined
  if (value !== undefined) return value
  throw configError(line.location, `${line.keyword} is one of ${Object.keys(values).join(', ')}, not ${shown(word)}`)
}

const YES_NO = { yes: true, no: false, true: true, false: false }

const parsePort = (line: ConfigLine, word: string): number => {
  const port = /^\d{1,5}$/.test(word) ? Number(word) : 0
  if (port >= 1 && port <= 65535) return port
  throw configError(line.location, `${line.keyword} wants a port from 1 to 65535, not ${shown(word)}`)
}

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** A time as in ssh_config(5): `15`, `1m30s`. */
const parseSeconds = (line: ConfigLine): number => {
  const word = single(line).toLowerCase()
  if (!/^(\d{1,9}[smhdw]?)+$/.test(word))
    throw configError(line.location, `${line.keyword} wants a time such as 15 or 1m, not ${shown(word)}`)
  const parts = word.matchAll(/(\d+)([smhdw]?)/g)
  return [...parts].reduce((sum, [, number, unit = '']) => sum + Number(number) * (SECONDS[unit] ?? 1), 0)
}

const parseCount = (line: ConfigLine): number => {
  const word = single(line)
  if (/^\d{1,6}$/.test(word)) return Number(word)
  throw configError(line.location, `${line.keyword} wants a number, not ${shown(word)}`)
}

const parseFiles = (line: ConfigLine): readonly Located[] => {
  if (line.words.includes('')) throw configError(line.location, `${line.keyword} has an empty file name`)
  if (line.words.length === 1 && line.words[0]?.toLowerCase() === 'none') return []
  return line.words.map(text => ({ text, location: line.location }))
}

const CHANGES = { '+': 'append', '-': 'remove', '^': 'prepend' } as const

const parseAlgorithms = (line: ConfigLine): AlgorithmList => {
  const word = single(line)
  const sign = word.charAt(0)
  const kind = sign === '+' || sign === '-' || sign === '^' ? CHANGES[sign] : 'only'
  const names = (kind === 'only' ? word : word.slice(1)).split(',').filter(name => name !== '')
  if (names.length === 0) throw configError(line.location, `${line.keyword} names no algorithm`)
  return { kind, names }
}

const JUMP =
  /^(?:ssh:\/\/)?(?:(?<user>[^@\s]+(?:@[^@\s]+)*)@)?(?:\[(?<v6>[^\]\s]+)\]|(?<host>[^:@[\]\s/]+))(?::(?<port>\d+))?\/?$/

const parseJumps = (line: ConfigLine): readonly Jump[] =>
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

const STRICTNESS = {
  yes: 'strict',
  true: 'strict',
  ask: 'strict',
  'accept-new': 'accept-new',
  no: 'off',
  off: 'off',
  false: 'off',
} as const

const isNone = (line: ConfigLine): boolean => line.rest.toLowerCase() === 'none'

/** The setter of an option which holds one value. */
const first =
  <K extends keyof Draft>(key: K, parse: (line: ConfigLine) => NonNullable<Draft[K]>) =>
  (line: ConfigLine): Setter => {
    const value = parse(line)
    return draft => {
      draft[key] ??= value
    }
  }

const placed = (line: ConfigLine): Located => ({ text: single(line), location: line.location })

const warned =
  (name: string, harmless: readonly string[]) =>
  (line: ConfigLine): Setter | undefined =>
    harmless.includes(line.words[0]?.toLowerCase() ?? '')
      ? undefined
      : draft => {
          if (!draft.notFollowed.has(name)) draft.notFollowed.set(name, line.location)
        }

const OPTIONS: Readonly<Record<string, (line: ConfigLine) => Setter | undefined>> = {
  hostname: first('hostName', placed),
  user: first('user', single),
  port: first('port', line => parsePort(line, single(line))),
  identityfile: line => {
    const file = placed(line)
    return draft => {
      if (!draft.identityFiles.some(({ text }) => text === file.text)) draft.identityFiles.push(file)
    }
  },
  identitiesonly: first('identitiesOnly', line => oneOf(line, YES_NO)),
  identityagent: first('identityAgent', placed),
  userknownhostsfile: first('userKnownHostsFiles', parseFiles),
  globalknownhostsfile: first('globalKnownHostsFiles', parseFiles),
  stricthostkeychecking: first('strictHostKeyChecking', line => ({
    value: oneOf(line, STRICTNESS),
    location: line.location,
  })),
  hostkeyalias: first('hostKeyAlias', placed),
  proxyjump: first('proxy', line =>
    isNone(line) ? { kind: 'none' } : { kind: 'jump', jumps: parseJumps(line), location: line.location },
  ),
  proxycommand: first('proxy', line => (isNone(line) ? { kind: 'none' } : { kind: 'command', command: line.rest })),
  hostkeyalgorithms: first('hostKeyAlgorithms', parseAlgorithms),
  kexalgorithms: first('kexAlgorithms', parseAlgorithms),
  ciphers: first('ciphers', parseAlgorithms),
  macs: first('macs', parseAlgorithms),
  // As to ssh, `none` is no value, and a later one counts.
  serveraliveinterval: line => (isNone(line) ? undefined : first('serverAliveInterval', parseSeconds)(line)),
  serveralivecountmax: first('serverAliveCountMax', parseCount),
  // What these would change is who we talk to: worth a word when they are set.
  canonicalizehostname: warned('CanonicalizeHostname', ['no', 'false', 'none']),
  revokedhostkeys: warned('RevokedHostKeys', ['none']),
}
