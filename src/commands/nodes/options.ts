/** The command line of `stoker nodes`: nodeset(1)'s flags, spelled and refused as nodeset(1) does. */
import { StokerError } from '../../base/errors.ts'
import type { Operator } from '../../nodeset/syntax/expression.ts'
import { type Flag, optparse, helpText as sections } from '../optparse.ts'

export type NodesCommand = 'count' | 'expand' | 'fold' | 'list' | 'list-all' | 'regroup' | 'groupsources' | 'completion'

/** One operand with what is to be done with it. `-` is standard input. */
export interface Step {
  readonly operator: Operator
  readonly text: string
}

export interface NodesOptions {
  readonly command: NodesCommand
  /** How often -l or -L was given. */
  readonly level: number
  /** Operands and operations in the order of the arguments. */
  readonly steps: readonly Step[]
  readonly all: boolean
  readonly quiet: boolean
  readonly debug: boolean
  readonly rangeset: boolean
  readonly groupbase: boolean
  readonly contiguous: boolean
  readonly source: string | undefined
  readonly groupsConf: string | undefined
  readonly separator: string
  readonly format: string
  readonly slice: string | undefined
  readonly split: number
  readonly axis: string | undefined
  readonly pick: number | undefined
  readonly autostep: Autostep | undefined
}

/** A number of elements; or a share of all of them; or all of them. */
export type Autostep =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'auto' }

const FLAGS: Readonly<Record<string, readonly Flag[]>> = {
  Options: [
    { names: ['--version'], help: 'print the version' },
    { names: ['-h', '--help'], help: 'print this help' },
    { names: ['-s', '--groupsource'], takes: 'SOURCE', help: 'take groups without a source from this warehouse' },
    { names: ['--groupsconf'], takes: 'FILE', help: 'take groups from this groups.conf instead' },
  ],
  Commands: [
    { names: ['-c', '--count'], help: 'print the number of nodes' },
    { names: ['-e', '--expand'], help: 'print every node' },
    { names: ['-f', '--fold'], help: 'print all nodes as one node set' },
    {
      names: ['-l', '--list'],
      help: 'list groups of one source; of nodes, if given; -ll with nodes, -lll with counts',
    },
    { names: ['-L', '--list-all'], help: 'list groups of all sources' },
    { names: ['-r', '--regroup'], help: 'fold with the names of groups which are complete' },
    { names: ['--list-sources', '--groupsources'], help: 'list the group sources' },
    { names: ['--completion'], help: 'list what can complete a word on the command line' },
  ],
  Operations: [
    { names: ['-x', '--exclude'], takes: 'NODES', help: 'take these nodes out' },
    { names: ['-i', '--intersection'], takes: 'NODES', help: 'keep only these nodes' },
    { names: ['-X', '--xor'], takes: 'NODES', help: 'keep nodes which are in one of both sets only' },
  ],
  'Other options': [
    { names: ['-a', '--all'], help: 'start with all nodes' },
    { names: ['--autostep'], takes: 'N', help: "write a-b/step from N elements on ('4', '50%' or 'auto')" },
    { names: ['-d', '--debug'], help: 'show which groups are asked for' },
    { names: ['-q', '--quiet'], help: 'print no warnings' },
    { names: ['-R', '--rangeset'], help: 'take numbers (1,5,18-31) instead of nodes' },
    { names: ['-G', '--groupbase'], help: 'leave out the source in front of groups' },
    { names: ['-S', '--separator'], takes: 'TEXT', help: "put this between expanded nodes (default: ' ')" },
    { names: ['-O', '--output-format'], takes: 'FORMAT', help: "print each node in this format (default: '%s')" },
    { names: ['-I', '--slice'], takes: 'RANGES', help: "keep only nodes of these places, such as '0' or '1-9/2,16'" },
    { names: ['--split'], takes: 'N', help: 'print N sets of about the same size' },
    { names: ['--contiguous'], help: 'print one set for each range without gaps' },
    { names: ['--axis'], takes: 'RANGES', help: 'write ranges in these places of a name only, counted from 1' },
    { names: ['--pick'], takes: 'N', help: 'keep N nodes at random' },
  ],
}

const USAGE = 'Usage: stoker nodes [COMMAND] [OPTIONS] [ns1 [-ixX] ns2|...]'

/** An error which is answered with the usage line and exit code 2. */
export const usageError = (problem: string): StokerError =>
  new StokerError('USAGE', 'stoker nodes', `${USAGE}\n\nstoker nodes: error: ${problem}`)

/** What `--help` prints. */
export const helpText = (): string => `${sections(USAGE, FLAGS)}\nA node set of - is read from standard input.\n`

const ALL_FLAGS = Object.values(FLAGS).flat()
const OPERATIONS: Readonly<Record<string, Operator>> = { '--exclude': '!', '--intersection': '&', '--xor': '^' }

/** The parsed command line; `help` and `version` end everything else. Throws `USAGE`. */
export const parseNodesOptions = (argv: readonly string[]): NodesOptions | 'help' | 'version' => {
  const given = new Map<string, string[]>()
  const steps: Step[] = []
  for (const { name, value } of optparse(argv, { flags: ALL_FLAGS, fail: usageError, interspersed: () => true })) {
    if (name === '--help') return 'help'
    if (name === '--version') return 'version'
    const operator = name === undefined ? ',' : OPERATIONS[name]
    if (operator) steps.push({ operator, text: value })
    else if (name !== undefined) given.set(name, [...(given.get(name) ?? []), value])
  }
  const has = (name: string) => given.has(name)
  const last = (name: string) => given.get(name)?.at(-1)
  const integer = (name: string): number | undefined => {
    const value = last(name)
    if (value === undefined) return undefined
    if (!/^\s*[-+]?\d+\s*$/.test(value)) throw usageError(`option ${name}: invalid integer value: '${value}'`)
    return Number(value)
  }
  const options: NodesOptions = {
    command: commandOf(given),
    level: (given.get('--list') ?? given.get('--list-all') ?? ['']).length,
    steps,
    all: has('--all'),
    quiet: has('--quiet'),
    debug: has('--debug'),
    rangeset: has('--rangeset'),
    groupbase: has('--groupbase'),
    contiguous: has('--contiguous'),
    source: last('--groupsource') || undefined,
    groupsConf: last('--groupsconf'),
    separator: last('--separator') ?? ' ',
    format: last('--output-format') ?? '%s',
    slice: last('--slice') || undefined,
    split: integer('--split') ?? 1,
    axis: last('--axis') || undefined,
    pick: integer('--pick') || undefined,
    autostep: parseAutostep(last('--autostep')),
  }
  if (options.rangeset && (options.all || options.command === 'regroup'))
    throw usageError('-a/-r only supported in NodeSet mode')
  if (has('--split') && options.contiguous) throw usageError('incompatible splitting options (split, contiguous)')
  if (options.axis && (options.command !== 'fold' || options.rangeset))
    throw usageError('--axis option is only supported when folding nodeset')
  return options
}

const commandOf = (given: ReadonlyMap<string, unknown>): NodesCommand => {
  const names = ['--count', '--expand', '--fold', '--list', '--list-all', '--regroup', '--groupsources', '--completion']
  const commands = names.filter(name => given.has(name))
  if (commands.length > 1) throw usageError('Multiple commands not allowed.')
  if (commands[0] === undefined) throw usageError('No command specified.')
  return commands[0].slice(2) as NodesCommand
}

const parseAutostep = (value: string | undefined): Autostep | undefined => {
  if (value === undefined) return undefined
  if (value === 'auto') return { kind: 'auto' }
  if (/^-?\d+(\.\d+)?%$/.test(value)) return { kind: 'share', share: Number.parseFloat(value) / 100 }
  if (/^-?\d+$/.test(value)) return { kind: 'count', count: Number(value) }
  throw usageError(`option --autostep: invalid value: '${value}', should be node count, node percentage or 'auto'`)
}

/** The number of elements from which on steps are written. */
export const stepsFrom = ({ autostep }: NodesOptions, size: number): number | undefined => {
  switch (autostep?.kind) {
    case 'count':
      return autostep.count
    case 'share':
      return Math.ceil(size * autostep.share)
    case 'auto':
      return Math.max(3, size)
    default:
      return undefined
  }
}
