/** The command line of `stoker clush`: clush(1)'s flags, spelled and refused as clush does. Pure. */
import { usageError } from '../../commands/faces/clush/errors.ts'
import type { ClushOptions, ClushTask, When } from '../../commands/faces/clush/options.ts'
import { type Flag, helpText, optparse, type Word } from '../../commands/optparse.ts'
import { noMeaning } from './no-meaning.ts'

/** A flag of clush's which means nothing here has what to do instead. */
interface ClushFlag extends Flag {
  readonly instead?: string
}

const FLAGS: Readonly<Record<string, readonly ClushFlag[]>> = {
  Options: [
    { names: ['--version'], help: 'show the version' },
    { names: ['-h', '--help'], help: 'show this help' },
    { names: ['-s', '--groupsource'], takes: 'SOURCE', help: 'the group source (warehouse) of groups without one' },
    { names: ['-n', '--nostdin'], help: 'do not send standard input to the nodes' },
    { names: ['--groupsconf'], takes: 'FILE', help: 'take groups from this groups.conf' },
    { names: ['--conf'], takes: 'FILE', help: 'use this clush.conf' },
    { names: ['-O', '--option'], takes: 'KEY=VALUE', help: 'override a value of clush.conf' },
    { names: ['-m', '--mode'], takes: 'MODE', help: 'use a mode of clush.conf' },
  ],
  'Selecting target nodes': [
    { names: ['-w'], takes: 'NODES', help: 'run on these nodes; - reads them from standard input' },
    { names: ['-x'], takes: 'NODES', help: 'leave out these nodes' },
    { names: ['-a', '--all'], help: 'run on all nodes' },
    { names: ['-g', '--group'], takes: 'GROUP', help: 'run on a group of nodes' },
    { names: ['-X'], takes: 'GROUP', help: 'leave out a group of nodes' },
    { names: ['--hostfile', '--machinefile'], takes: 'FILE', help: 'run on the nodes in this file' },
    { names: ['--pick'], takes: 'N', help: 'run on N of the nodes, picked at random' },
  ],
  'Output behaviour': [
    { names: ['-q', '--quiet'], help: 'print only what matters' },
    { names: ['-v', '--verbose'], help: 'print more' },
    { names: ['-d', '--debug'], help: 'print still more' },
    { names: ['-G', '--groupbase'], help: 'leave out the source in front of groups' },
    { names: ['-L'], help: 'print lines in the order of the nodes; with -b, equal lines as soon as all have them' },
    { names: ['-N'], help: 'print no names' },
    { names: ['-P', '--progress'], help: 'show how far the run is' },
    { names: ['-b', '--dshbak'], help: 'print equal output once' },
    { names: ['-B'], help: 'like -b, standard error included' },
    { names: ['-r', '--regroup'], help: 'write nodes with the names of groups which are complete' },
    { names: ['-S', '--maxrc'], help: 'exit with the largest exit code of a command' },
    { names: ['--color'], takes: 'WHEN', help: 'use colours: never, always or auto' },
    { names: ['--diff'], help: 'print how outputs differ' },
    { names: ['--outdir'], takes: 'FOLDER', help: "write each node's standard output to a file in this folder" },
    { names: ['--errdir'], takes: 'FOLDER', help: "write each node's standard error to a file in this folder" },
  ],
  'File copying': [
    { names: ['-c', '--copy'], help: 'copy files and folders to the nodes' },
    { names: ['--rcopy'], help: 'copy files and folders from the nodes' },
    { names: ['--dest'], takes: 'PATH', help: 'where to' },
    { names: ['-p'], help: 'keep times and modes' },
  ],
  'Connection options': [
    { names: ['-f', '--fanout'], takes: 'N', help: 'act on at most N nodes at once' },
    { names: ['-l', '--user'], takes: 'USER', help: 'log in as this user' },
    { names: ['-o', '--options'], takes: 'OPTIONS', help: 'words for ssh, such as "-p 2022 -i ~/.ssh/key"' },
    { names: ['-t', '--connect_timeout'], takes: 'SECONDS', help: 'give up connecting after this time' },
    { names: ['-u', '--command_timeout'], takes: 'SECONDS', help: 'end a command after this time' },
    { names: ['-R', '--worker'], takes: 'WORKER', help: 'ssh, or exec: run the command here, once for each node' },
    { names: ['--remote'], takes: 'yes', help: 'as it is anyway' },
  ],
}

/** Of other versions too. What there is to say goes behind `clush: --topology has no meaning here: `. */
const MEANINGLESS: readonly ClushFlag[] = [
  {
    names: ['--topology'],
    takes: 'FILE',
    help: '',
    instead: 'every node is connected to directly; write gateways into ssh_config as ProxyJump',
  },
  { names: ['-E', '--engine'], takes: 'ENGINE', help: '', instead: 'leave it out' },
  {
    names: ['--grooming'],
    takes: 'SECONDS',
    help: '',
    instead: 'leave it out, there is no tree of gateways',
  },
  { names: ['--sudo'], help: '', instead: 'write stoker run --become shell NODES COMMAND, or a mode of clush.conf' },
]

const ALL_FLAGS: readonly ClushFlag[] = [...Object.values(FLAGS).flat(), ...MEANINGLESS]
const USAGE = 'Usage: clush [options] command'

/** What `--help` prints. */
export const clushHelp = (): string =>
  `${helpText(USAGE, FLAGS)}\nWithout a command, clush asks for commands; see stoker's docs/clush-pdsh.md for what differs.\n`

/** The parsed command line; `help` and `version` end everything else. Throws `USAGE` with all that is to be printed. */
export const parseClush = (argv: readonly string[]): ClushOptions | 'help' | 'version' => {
  const given = new Map<string, string[]>()
  const operands: string[] = []
  let copies = false
  for (const word of optparse(argv, { flags: ALL_FLAGS, fail: usageError, interspersed: () => copies })) {
    const { name, value } = word
    if (name === '--help') return 'help'
    if (name === '--version') return 'version'
    if (name === undefined) {
      operands.push(value)
      continue
    }
    check(word)
    copies ||= name === '--copy' || name === '--rcopy'
    given.set(name, [...(given.get(name) ?? []), value])
  }
  const has = (name: string) => given.has(name)
  const all = (name: string): readonly string[] => given.get(name) ?? []
  const last = (name: string) => given.get(name)?.at(-1)
  const pick = last('--pick')
  return {
    nodes: all('-w'),
    exclude: all('-x'),
    all: has('--all'),
    groups: all('--group'),
    excludeGroups: all('-X'),
    hostFiles: all('--machinefile'),
    pick: pick === undefined ? undefined : Number(pick),
    groupSource: last('--groupsource'),
    groupsConf: last('--groupsconf'),
    conf: last('--conf'),
    settings: settingsOf(given),
    mode: last('--mode'),
    stdin: !has('--nostdin'),
    gather: has('--dshbak'),
    gatherAll: has('-B'),
    byLine: has('-L'),
    diff: has('--diff'),
    label: !has('-N'),
    regroup: has('--regroup'),
    groupBase: has('--groupbase'),
    progress: has('--progress'),
    colour: (last('--color') ?? '') as When,
    outdir: last('--outdir'),
    errdir: last('--errdir'),
    task: taskOf(given, operands),
    dest: last('--dest') || undefined,
    preserve: has('-p'),
    worker: last('--worker') === 'exec' ? 'exec' : 'ssh',
    argv,
  }
}

/** What stands in the place of clush.conf; what `-O` says comes last. */
const settingsOf = (given: ReadonlyMap<string, readonly string[]>): ClushOptions['settings'] => {
  const settings: (readonly [string, string])[] = []
  const verbosity = [...given.keys()].filter(name => name in VERBOSITY).sort((a, b) => verbosityOf(a) - verbosityOf(b))
  for (const name of verbosity) settings.push(['verbosity', String(verbosityOf(name))])
  for (const [name, key] of SETTINGS) {
    const value = given.get(name)?.at(-1)
    // What is 0 or empty leaves clush.conf as it is.
    if (value !== undefined && value !== '' && !/^0*\.?0*$/.test(value)) settings.push([key, value])
  }
  if (given.has('--maxrc')) settings.push(['maxrc', 'yes'])
  for (const option of given.get('--option') ?? []) {
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(option) ?? []
    if (key === undefined || value === undefined)
      throw usageError(`option -O: invalid value: '${option}', expected KEY=VALUE`)
    settings.push([key, value])
  }
  return settings
}

const VERBOSITY: Readonly<Record<string, number>> = { '--quiet': 0, '--verbose': 2, '--debug': 3 }
const verbosityOf = (name: string): number => VERBOSITY[name] ?? 1

const SETTINGS = [
  ['--fanout', 'fanout'],
  ['--user', 'ssh_user'],
  ['--options', 'ssh_options'],
  ['--connect_timeout', 'connect_timeout'],
  ['--command_timeout', 'command_timeout'],
  ['--color', 'color'],
] as const

const taskOf = (given: ReadonlyMap<string, unknown>, operands: readonly string[]): ClushTask => {
  const kind = given.has('--copy') ? 'copy' : given.has('--rcopy') ? 'rcopy' : undefined
  if (kind === undefined) return { kind: 'command', words: operands }
  if (operands.length === 0) throw usageError('--[r]copy option requires at least one argument')
  return { kind, paths: operands }
}

const NODES = ['-w', '-x', '--group', '-X', '--groupsource', '--user']
const INTEGERS = ['--fanout', '--pick']
const SECONDS = ['--connect_timeout', '--command_timeout']
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  '--color': ['', 'never', 'always', 'auto'],
  '--remote': ['yes', 'no'],
}

/** Refuses a value as optparse does, and what has no meaning here. */
const check = ({ name = '', typed, value }: Word): void => {
  const flag = ALL_FLAGS.find(({ names }) => names.at(-1) === name)
  if (flag?.instead !== undefined) throw noMeaning('clush', typed, flag.instead)
  // A node list which begins with a dash is a flag whose value was forgotten; a dash alone is standard input.
  if (NODES.includes(name) && (value === '' || (value.startsWith('-') && !(name === '-w' && value === '-'))))
    throw usageError(`option ${typed}: invalid value: '${value}'`)
  if (INTEGERS.includes(name) && !/^\s*[-+]?\d+\s*$/.test(value))
    throw usageError(`option ${typed}: invalid integer value: '${value}'`)
  if (SECONDS.includes(name) && !/^\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*$/.test(value))
    throw usageError(`option ${typed}: invalid floating-point value: '${value}'`)
  const choices = CHOICES[name]
  if (choices && !choices.includes(value))
    throw usageError(
      `option ${typed}: invalid choice: '${value}' (choose from ${choices.map(one => `'${one}'`).join(', ')})`,
    )
  if (name === '--remote' && value === 'no')
    throw noMeaning('clush', '--remote=no', 'there is no tree of gateways; stoker run local runs a command here')
  if (name === '--worker' && value !== 'ssh' && value !== 'exec')
    throw noMeaning('clush', `-R ${value}`, 'connections are ssh; there is ssh and exec, and stoker run --connection')
}
