/** What stands on a command line for ssh(1), as lines of ssh_config(5). Pure. */
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'

/** What an ssh which is told these words would do otherwise than by its configuration. */
export interface SshCommandLine {
  /** Lines which come before all that the files say; the first value of each keyword counts. */
  readonly lines: readonly string[]
  /** `-F`: instead of the usual files; `none` is none at all. */
  readonly file: string | undefined
  /** `-l`, and `-o User`: it wins over what a warehouse says. */
  readonly user: string | undefined
  /** `-p`, and `-o Port`: likewise. */
  readonly port: number | undefined
}

/** Flags which one line says as well; `%` is the flag's own value. */
const LINES: Readonly<Record<string, string>> = {
  '4': 'AddressFamily inet',
  '6': 'AddressFamily inet6',
  A: 'ForwardAgent yes',
  B: 'BindInterface %',
  C: 'Compression yes',
  I: 'PKCS11Provider %',
  J: 'ProxyJump %',
  K: 'GSSAPIAuthentication yes',
  b: 'BindAddress %',
  c: 'Ciphers %',
  i: 'IdentityFile %',
  l: 'User %',
  m: 'MACs %',
  o: '%',
  p: 'Port %',
}

/** Flags which ask for what is so anyway, or for more or less talk. */
const NEEDLESS = new Set('2akKnqTvxXY')

const TAKES_VALUE = new Set('BDEFIJLOPQRSWbceilmopw')

/**
 * The words between `ssh` and the host. Throws `USAGE` for a flag which would do what a run cannot: a terminal, a forwarding, a
 * connection shared by a socket of ssh's own.
 */
export const parseSshWords = (words: readonly string[]): SshCommandLine => {
  const lines: string[] = []
  let file: string | undefined
  for (const [flag, value] of flagsOf(words)) {
    const line = LINES[flag]
    if (flag === 'F') file = value
    else if (line !== undefined) lines.push(line === '%' ? value : line.replace('%', () => inQuotes(value)))
    else if (!NEEDLESS.has(flag)) throw refusal(`-${flag}`, 'has no meaning in a run')
  }
  const [user, port] = [firstOf(lines, 'user'), firstOf(lines, 'port')]
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    throw refusal(`-p ${port}`, 'is no port')
  return { lines, file, user, port: port === undefined ? undefined : Number(port) }
}

function* flagsOf(words: readonly string[]): Generator<readonly [flag: string, value: string]> {
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!/^-[^-]/.test(word)) throw refusal(word, 'is no option')
    for (let i = 1; i < word.length; i++) {
      const flag = word.charAt(i)
      if (!TAKES_VALUE.has(flag)) {
        yield [flag, '']
        continue
      }
      const value = word.slice(i + 1) || rest.shift()
      if (value === undefined || value === '') throw refusal(`-${flag}`, 'needs a value')
      yield [flag, value]
      break
    }
  }
}

const firstOf = (lines: readonly string[], keyword: string): string | undefined => {
  for (const line of lines) {
    const [, name = '', value = ''] = /^\s*([^\s"=]+)[ \t]*=?[ \t]*(.*?)\s*$/s.exec(line) ?? []
    if (name.toLowerCase() === keyword && value !== '') return value.replace(/^"(.*)"$/, '$1')
  }
  return undefined
}

/** A value with blanks stays one word of its line. */
const inQuotes = (value: string): string =>
  /[\s"'\\#]/.test(value) ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : value

const refusal = (word: string, why: string): StokerError =>
  new StokerError('USAGE', 'ssh', `option for ssh: ${shown(word)} ${why}; write what you want into ssh_config`)
