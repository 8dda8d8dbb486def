/** What counts for a run of `stoker clush`: clush.conf(5), a mode of it, and over both the command line. */
import { readdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Abortable } from '../../../base/abortable.ts'
import { isAbsent, StokerError } from '../../../base/errors.ts'
import { homeFolder } from '../../../base/folders.ts'
import { parseConf, splitWords, substitute } from '../../../config/configparser.ts'
import { readText } from '../../../config/read-text.ts'
import type { Verbosity } from '../../../report/faces/clush/format.ts'
import { clustershellFiles } from '../clustershell-files.ts'
import { settingError } from './errors.ts'
import type { ClushOptions, ClushSettings, When } from './options.ts'

type Values = Map<string, string>

/** What clush itself has where nothing is said. */
const DEFAULTS: Readonly<Record<string, string>> = {
  fanout: '64',
  connect_timeout: '10',
  command_timeout: '0',
  color: '',
  verbosity: '1',
  node_count: 'yes',
  maxrc: 'no',
  command_prefix: '',
  password_prompt: 'no',
}

/** Reads the files. Throws `CONFIG` naming the section and the key. */
export const readSettings = async (
  options: Pick<ClushOptions, 'conf' | 'settings' | 'mode'>,
  env: Readonly<Record<string, string | undefined>>,
  io: Abortable,
): Promise<ClushSettings> => {
  const sections = new Map<string, Values>([['Main', new Map(Object.entries(DEFAULTS))]])
  await readFiles(options.conf === undefined ? clustershellFiles('clush.conf', env) : [options.conf], sections, io)
  for (const [key, value] of options.settings) sections.get('Main')?.set(key.toLowerCase(), value)
  return settled(sections, options.mode)
}

const readFiles = async (files: readonly string[], sections: Map<string, Values>, io: Abortable): Promise<void> => {
  let last: string | undefined
  for (const file of files) if (await readFile(file, sections, io)) last = file
  if (last === undefined) return
  const folder = dirname(resolve(last))
  const parts = splitWords(sections.get('Main')?.get('confdir') ?? '')
  for (const confdir of new Set(parts.map(part => resolve(substitute(part, { CFGDIR: folder })))))
    for (const name of await confNames(confdir)) await readFile(join(confdir, name), sections, io)
}

/** Whether there is such a file which can be read; others do not count, as to clush. */
const readFile = async (file: string, sections: Map<string, Values>, io: Abortable): Promise<boolean> => {
  let text: string
  try {
    text = await readText(file, io)
  } catch (thrown) {
    io.signal.throwIfAborted()
    const cause = thrown instanceof StokerError ? thrown.cause : thrown
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (isAbsent(cause) || code === 'EACCES') return false
    throw thrown
  }
  for (const { name, values } of parseConf(text, file)) {
    const known = sections.get(name) ?? new Map()
    sections.set(name, known)
    for (const [key, value] of values) known.set(key, value)
  }
  return true
}

const confNames = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).filter(name => name.endsWith('.conf') && !name.startsWith('.')).sort()
  } catch (thrown) {
    if (isAbsent(thrown) && !(thrown as NodeJS.ErrnoException).code?.includes('NOTDIR')) return []
    throw settingError(`Defined confdir ${folder} is not a directory`, { cause: thrown })
  }
}

const MODE = 'mode:'

const settled = (sections: ReadonlyMap<string, Values>, mode: string | undefined): ClushSettings => {
  const modes = [...sections.keys()].filter(name => name.startsWith(MODE)).map(name => name.slice(MODE.length))
  if (mode !== undefined && !modes.includes(mode))
    throw settingError(`invalid mode "${mode}" (available: ${modes.join(' ')})`)
  const main = sections.get('Main')
  const own = mode === undefined ? undefined : sections.get(`${MODE}${mode}`)
  const text = (key: string): string | undefined => own?.get(key) ?? main?.get(key)
  const parsed = <T>(key: string, parse: (text: string) => T | undefined, expected: string): T => {
    const value = parse((text(key) ?? '').trim())
    if (value !== undefined) return value
    throw settingError(`(Config ${own?.has(key) ? mode : 'Main'}.${key}): '${text(key)}' is no ${expected}`)
  }
  const flag = (key: string) => parsed(key, one => BOOLEANS[one.toLowerCase()], 'boolean')
  const milliseconds = (key: string) => Math.round(parsed(key, decimal, 'number of seconds') * 1000)
  const words = (key: string) => splitWords(text(key) ?? '')
  const program = (key: string, name: string) => {
    const path = words(key)
    const isIt = path.length === 0 || (path.length === 1 && path[0]?.split('/').at(-1) === name)
    if (!isIt)
      throw new StokerError(
        'USAGE',
        'clush.conf',
        `${key} of clush.conf has no meaning here: connections are stoker's own; use ssh_config, or stoker run --connection openssh`,
      )
  }
  program('ssh_path', 'ssh')
  return {
    fanout: parsed('fanout', one => (/^\d{1,9}$/.test(one) && Number(one) > 0 ? Number(one) : undefined), 'fanout'),
    connectTimeout: milliseconds('connect_timeout'),
    commandTimeout: milliseconds('command_timeout'),
    colour: parsed('color', one => WHEN.find(when => when === one), `choice of ${WHEN.filter(Boolean).join(', ')}`),
    verbosity: parsed('verbosity', one => (/^\d+$/.test(one) ? (Math.min(Number(one), 3) as Verbosity) : 0), 'number'),
    counts: flag('node_count'),
    worst: flag('maxrc'),
    user: text('ssh_user') || undefined,
    sshOptions: words('ssh_options').map(atHome),
    scpOptions: text('scp_options') ? words('scp_options').map(atHome) : undefined,
    prefix: words('command_prefix'),
    asksPassword: flag('password_prompt'),
  }
}

const WHEN: readonly When[] = ['', 'never', 'always', 'auto']

const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...{ '1': true, yes: true, true: true, on: true },
  ...{ '0': false, no: false, false: false, off: false },
}

const decimal = (text: string): number | undefined => (/^\d*\.?\d+$|^\d+\.$/.test(text) ? Number(text) : undefined)

/** `~/.ssh/id` as a shell would have it, which has not seen it inside of quotes. */
const atHome = (word: string): string => (word === '~' || word.startsWith('~/') ? homeFolder() + word.slice(1) : word)
