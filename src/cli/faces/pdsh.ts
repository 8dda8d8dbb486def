/** The command line of `stoker pdsh`: pdsh(1)'s flags and variables, spelled and refused as pdsh does. Pure. */
import { join } from 'node:path'
import { pdshError, self } from '../../commands/faces/pdsh/errors.ts'
import { splitHosts } from '../../commands/faces/pdsh/host-list.ts'
import type { HostItem, PdshOptions } from '../../commands/faces/pdsh/options.ts'
import { getopt } from './getopt.ts'
import { noMeaning } from './no-meaning.ts'

const USAGE = `Usage: pdsh [-options] command ...
-S                return largest of remote command return values
-h                output usage menu and quit
-V                output version information and quit
-q                list the option settings and quit
-b                disable ^C status feature (batch mode)
-d                print connect and command times at the end
-l user           execute remote commands as user
-t seconds        set connect timeout (default is 10 sec)
-u seconds        set command timeout (no default)
-f n              use fanout of n nodes
-w host,host,...  set target node list on command line
-x host,host,...  set node exclusion list on command line
-R name           set rcmd module to name
-M name,...       take groups from genders or dshgroup files
-N                disable hostname: labels on output lines
-K                keep domain names in labels
-L                list info on all modules and exit
-g query,...      target nodes of groups, or of a query over groups
-X query,...      exclude nodes of groups
-F file           use genders file \`file'
-i                request alternate or canonical hostnames if applicable
-a                target all nodes except those of the group pdsh_all_skip
-A                target all nodes
available rcmd modules: ssh,exec (default: ssh)`

const LETTERS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries([...'ShVqQbdNKLiaA'].map(letter => [letter, false])),
  ...Object.fromEntries([...'ltufwxRMgXF'].map(letter => [letter, true])),
  // Of other versions and modules.
  ...{ k: false, v: false, s: false, j: true, P: true },
}

/** What to do instead of a flag which means nothing here. */
const INSTEAD: Readonly<Record<string, string>> = {
  k: 'stoker run --max-fail 0 stops when something fails',
  v: 'stoker run ping tells who is down',
  s: 'both streams are apart anyway',
  j: "name the job's nodes, or have an exec warehouse ask for them",
  P: "name the partition's nodes, or have an exec warehouse ask for them",
}

export type PdshCommandLine = PdshOptions | { readonly print: string }

type Environment = Readonly<Record<string, string | undefined>>

/** The parsed command line, or a text to print. Throws with what pdsh would say; `USAGE` for what means nothing here. */
export const parsePdsh = (argv: readonly string[], env: Environment, version: string): PdshCommandLine => {
  const usage = (problem: string) => pdshError(`pdsh: ${problem}\n${USAGE}`)
  const { flags, operands } = getopt(argv, { letters: LETTERS, fail: usage })
  for (const { letter } of flags) {
    if (letter === 'h') throw pdshError(USAGE)
    if (letter === 'V') return { print: versionText(version) }
    if (letter === 'L') return { print: MODULES }
    const instead = INSTEAD[letter]
    if (instead !== undefined) throw noMeaning('pdsh', `-${letter}`, instead)
  }
  const all = (letter: string) => flags.filter(flag => flag.letter === letter).map(({ value }) => value)
  const last = (letter: string) => all(letter).at(-1)
  const has = (letter: string) => flags.some(flag => flag.letter === letter)
  const rcmd = rcmdOf(last('R') ?? env.PDSH_RCMD_TYPE)
  const connectTimeout = seconds(last('t')) ?? variable(env, 'PDSH_CONNECT_TIMEOUT') ?? 10
  if (rcmd === 'exec' && connectTimeout !== 10) throw pdshError(`${self()}: Cannot specify -t with "-R exec"`)
  return {
    hosts: flags.flatMap(({ letter, value }) =>
      letter === 'w' || letter === 'x' ? hostItems(value, letter === 'x', rcmd) : [],
    ),
    fallback: env.WCOLL,
    groups: all('g').flatMap(splitHosts),
    excludeGroups: all('X').flatMap(splitHosts),
    all: has('a') ? 'without pdsh_all_skip' : has('A') ? 'all' : 'none',
    groupFiles: groupFilesOf(last('F'), last('M') ?? env.PDSH_MISC_MODULES, env),
    translate: has('i'),
    fanout: fanoutOf(last('f')) ?? variable(env, 'FANOUT') ?? 32,
    connectTimeout,
    commandTimeout: seconds(last('u')) ?? variable(env, 'PDSH_COMMAND_TIMEOUT') ?? 0,
    user: last('l'),
    rcmd,
    sshWords: sshWordsOf(env),
    path: env.DSHPATH,
    batch: has('b'),
    labels: !has('N'),
    domains: has('K'),
    worst: has('S'),
    debug: has('d'),
    info: has('Q') ? 'expanded' : has('q') ? 'folded' : 'none',
    words: operands,
    argv,
  }
}

const rcmdOf = (name: string | undefined): PdshOptions['rcmd'] => {
  if (name === undefined || name === 'ssh') return 'ssh'
  if (name === 'exec') return 'exec'
  if (['rsh', 'mrsh', 'krb4', 'xcpu', 'qsh', 'mqsh'].includes(name))
    throw noMeaning('pdsh', `-R ${name}`, 'connections are ssh; there is ssh and exec, and stoker run --connection')
  throw pdshError(`No such rcmd module "${name}"`)
}

/** The items of `-w` and `-x`. */
const hostItems = (text: string, isExcluded: boolean, rcmd: PdshOptions['rcmd']): readonly HostItem[] => {
  if (text === '-' && !isExcluded) return [{ kind: 'file', path: '-', excluded: false }]
  return splitHosts(text).map(item => {
    const excluded = isExcluded || item.startsWith('-')
    const rest = (item.startsWith('-') ? item.slice(1) : item).trimStart()
    if (rest.startsWith('^')) return { kind: 'file', path: rest.slice(1), excluded }
    if (rest.startsWith('/')) return { kind: 'regex', source: parseRegex(rest.slice(1).replace(/\/$/, '')), excluded }
    return { kind: 'hosts', ...parseHosts(rest, rcmd), excluded }
  })
}

const parseRegex = (source: string): string => {
  try {
    return new RegExp(source, 'u').source
  } catch (cause) {
    throw pdshError(`${self()}: Error matching pattern "${source}": ${(cause as Error).message}`, { cause })
  }
}

/** `[rcmd:][user@]hosts`; two colons are none, as in an address of IPv6. */
const parseHosts = (text: string, rcmd: PdshOptions['rcmd']) => {
  const [, type, rest = text] = /^([^:@]*):(?!:)([^:]*)$/s.exec(text) ?? []
  if (type !== undefined && rcmdOf(type) !== rcmd)
    throw noMeaning('pdsh', `${type}: in front of a host`, 'all hosts are reached alike; -R says how')
  const [, user, hosts = rest] = /^([^@]*)@(.*)$/s.exec(rest) ?? []
  if (hosts.includes('@')) throw pdshError(`Host spec "${text}" not of form [rcmd_type:][user@]hosts`)
  return { text: hosts, user }
}

const groupFilesOf = (
  file: string | undefined,
  modules: string | undefined,
  env: Environment,
): PdshOptions['groupFiles'] => {
  const given = file ?? env.PDSH_GENDERS_FILE
  const name = given ?? 'genders'
  const [module] = (modules ?? '').split(',').filter(one => one !== '')
  if (module !== undefined && module !== 'genders' && module !== 'dshgroup')
    throw noMeaning('pdsh', `-M ${module}`, 'groups come from warehouses, or from genders and dshgroup files')
  const home = env.HOME
  return {
    genders: /^[/.]/.test(name) ? name : join(env.PDSH_GENDERS_DIR ?? '/etc', name),
    isGiven: given !== undefined,
    dshFolders: [
      ...(home ? [join(home, '.dsh/group')] : []),
      ...(env.DSHGROUP_PATH ?? '/etc/dsh/group').split(':').filter(folder => folder !== ''),
    ],
    module,
  }
}

/** As pdsh has them, without the places for host and user, which come by themselves. */
const sshWordsOf = (env: Environment): readonly string[] =>
  [env.PDSH_SSH_ARGS_APPEND ?? '', env.PDSH_SSH_ARGS ?? '']
    .flatMap(text => text.split(' '))
    .filter(word => word !== '' && word !== '%h' && word !== '-l%u')

const fanoutOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  if (/^\d{1,6}$/.test(text) && Number(text) > 0) return Number(text)
  throw pdshError(`${self()}: Invalid fanout \`${text}' passed to -f.`)
}

const variable = (env: Environment, name: string): number | undefined => {
  const text = env[name]
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw pdshError(`${self()}: Invalid environment variable ${name}=${text}`)
}

/** As atoi(3) reads it. */
const seconds = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const value = Number(/^\s*([-+]?\d{1,9})/.exec(text)?.[1] ?? 0)
  if (value < 0) throw pdshError(`${self()}: timeouts must be >= 0`)
  return value
}

const versionText = (version: string): string =>
  `pdsh (stoker ${version})\nrcmd modules: ssh,exec (default: ssh)\nmisc modules: genders,dshgroup\n`

const MODULES = ['exec', 'ssh']
  .map(name => `Module: rcmd/${name}\nActive: yes\n\n`)
  .concat(['genders', 'dshgroup'].map(name => `Module: misc/${name}\nActive: yes\n\n`))
  .join('')
