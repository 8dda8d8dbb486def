/** `stoker nodes`: the node-set calculator. Takes nodeset(1)'s flags, so that a script moves over by changing one word. */
import { type StokerError, toStokerError } from '../../base/errors.ts'
import { readList } from '../../inventory/read-list.ts'
import { type Evaluator, evaluator, type Names } from '../../nodeset/evaluate.ts'
import { type FoldOptions, foldFamilies } from '../../nodeset/fold.ts'
import type { Groups } from '../../nodeset/groups.ts'
import { memberships, regroup } from '../../nodeset/regroup.ts'
import { combine, limited } from '../../nodeset/sets/algebra.ts'
import { type Family, families, rangeFamily } from '../../nodeset/sets/family.ts'
import { contiguous, inOrder } from '../../nodeset/sets/order.ts'
import { slice, split } from '../../nodeset/sets/slices.ts'
import { parseExpression } from '../../nodeset/syntax/parse.ts'
import { parseRangeSet } from '../../nodeset/syntax/ranges.ts'
import { wordsOf } from '../../nodeset/syntax/words.ts'
import { formatter, separatorOf } from './format.ts'
import { labelFor, printCompletion, printGroups, printSources } from './groups.ts'
import { helpText, type NodesOptions, parseNodesOptions, stepsFrom } from './options.ts'

export interface NodesIo {
  readonly stdin: AsyncIterable<Uint8Array>
  stdout(text: string): void
  stderr(text: string): void
  /** Called when the first group, wildcard or regular expression comes up; `conf` is what --groupsconf names. */
  groups(conf: string | undefined): Promise<Groups>
  readonly signal?: AbortSignal
  /** What --version prints. */
  readonly version?: string
}

/** Runs the calculator; returns the exit code: 0, 1 for what cannot be computed, 2 for a wrong command line. */
export const nodes = async (argv: readonly string[], io: NodesIo): Promise<number> => {
  try {
    const options = parseNodesOptions(argv)
    if (options === 'help') io.stdout(helpText())
    else if (options === 'version') io.stdout(`stoker nodes ${io.version ?? ''}`.trimEnd().concat('\n'))
    else await calculate(options, io)
    return 0
  } catch (thrown) {
    io.signal?.throwIfAborted()
    const error = toStokerError(thrown, 'stoker nodes')
    io.stderr(`${described(error)}\n`)
    return error.code === 'USAGE' ? 2 : 1
  }
}

const described = (error: StokerError): string => {
  if (error.code === 'USAGE') return error.message
  return `stoker nodes: ${error.code === 'EXPRESSION' ? 'Parse error: ' : ''}${error.message}`
}

const calculate = async (options: NodesOptions, io: NodesIo): Promise<void> => {
  const signal = io.signal ?? new AbortController().signal
  const ask = evaluator({
    signal,
    groups: () => io.groups(options.groupsConf),
    source: options.source,
    readList: path => readList(path, { signal }),
    debug: options.debug ? question => io.stderr(`DEBUG: asking for ${question}\n`) : undefined,
  })
  if (options.source !== undefined && options.rangeset && !options.quiet)
    io.stderr(`WARNING: option group source "${options.source}" ignored\n`)
  else if (options.source !== undefined) await ask.sources()
  if (options.command === 'groupsources') return await printSources(options, ask, io)
  const set = await compute(options, ask, io)
  if (options.command === 'list' || options.command === 'list-all') return await printGroups(options, set, ask, io)
  if (options.command === 'completion') {
    await printCompletion(options, ask, io)
    if (set.size === 0) return
  }
  await printSet(options, set, ask, io)
}

/** Operands and operations, in the order of the arguments. */
const compute = async (options: NodesOptions, ask: Evaluator, io: NodesIo): Promise<Names> => {
  const { steps, command } = options
  const read = options.rangeset
    ? async (text: string): Promise<Names> => parseRangeSet(text)
    : async (text: string): Promise<Names> => ask.names(parseExpression(text))
  let set: Names = options.all ? await ask.all() : new Set()
  const operands = steps.filter(step => step.operator === ',')
  const asksForNodes = command === 'count' || command === 'expand' || command === 'fold' || command === 'regroup'
  // Without any operand, standard input is the left side of the operations.
  if (operands.length === 0 && !options.all && asksForNodes) set = await fromStdin(io, read, options.rangeset)
  const first = steps[0]
  if (first && first.operator !== ',' && set.size === 0 && !options.quiet)
    io.stderr('WARNING: empty left operand for set operation\n')
  for (const { operator, text } of steps)
    set = limited(
      combine(set, operator, text === '-' ? await fromStdin(io, read, options.rangeset) : await fromText(text, read)),
    )
  return set
}

type Read = (text: string) => Promise<Names>

/** An argument may have several lines, one node set each. */
const fromText = async (text: string, read: Read): Promise<Names> => {
  const union = growing()
  for (const line of text.split(/\r?\n/)) if (line.trim() !== '') union.add(await read(line))
  return union.names()
}

/** Standard input: node sets between blanks. */
const fromStdin = async (io: NodesIo, read: Read, rangeset: boolean): Promise<Names> => {
  const union = growing()
  for await (const text of wordsOf(io.stdin)) {
    const words = text.split(/\s+/).filter(word => word !== '')
    // Nearly always these are plain names, which need no parser.
    if (!rangeset && !SPECIAL.test(text)) union.add(new Set(words))
    else for (const word of words) union.add(await read(word))
  }
  return union.names()
}

/** A union of many sets: only a second one makes it copy the first. */
const growing = () => {
  let names: Names = new Set()
  let own: Set<string> | undefined
  return {
    add(more: Names): void {
      if (names.size === 0) {
        names = more
        return
      }
      own ??= new Set(names)
      for (const name of more) own.add(name)
      names = limited(own)
    },
    names: () => names,
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the parser refuses them
const SPECIAL = /[,!&^[\]()@*?/\u0000-\u0008\u000e-\u001f\u007f]/

const printSet = async (options: NodesOptions, computed: Names, ask: Evaluator, io: NodesIo): Promise<void> => {
  const grouped = (names: Iterable<string>): readonly Family[] =>
    options.rangeset ? [rangeFamily([...names])] : families(names)
  const separator = separatorOf(options.separator)
  let set = computed
  if (options.slice !== undefined) set = new Set(slice(inOrder(grouped(set)), options.slice))
  const foldOptions: FoldOptions = { autostep: stepsFrom(options, set.size), axes: axesOf(options.axis) }
  if (options.pick !== undefined && options.pick < set.size) set = pick(set, options.pick)
  const format = formatter(options.format)
  // A format around the names of nodes is put around each of them before they are folded.
  const formatsNodes = options.command === 'fold' && !options.rangeset && options.format !== '%s'
  if (formatsNodes) set = new Set([...set].map(format))
  const print = await printer(options, ask, { separator, foldOptions, format: formatsNodes ? String : format, grouped })
  const pieces: readonly Names[] =
    set.size === 0 || (options.split <= 1 && !options.contiguous)
      ? [set]
      : options.contiguous
        ? contiguous(grouped(set)).map(piece => new Set(piece))
        : split(inOrder(grouped(set)), options.split).map(piece => new Set(piece))
  for (const piece of pieces) io.stdout(`${await print(piece)}\n`)
}

interface Printing {
  readonly separator: string
  readonly foldOptions: FoldOptions
  readonly format: (value: string | number) => string
  readonly grouped: (names: Iterable<string>) => readonly Family[]
}

const printer = async (options: NodesOptions, ask: Evaluator, printing: Printing) => {
  const { separator, foldOptions, format, grouped } = printing
  const brackets = !options.rangeset
  return async (set: Names): Promise<string> => {
    switch (options.command) {
      case 'expand':
      case 'completion':
        return inOrder(grouped(set)).map(format).join(separator)
      case 'fold':
        return format(foldFamilies(grouped(set), { ...foldOptions, brackets }))
      case 'regroup': {
        const groups = await memberships(set, ask, options.source)
        return format(regroup(set, groups, { ...foldOptions, label: labelFor(options, options.source) }))
      }
      default:
        return format(set.size)
    }
  }
}

const axesOf = (text: string | undefined): readonly number[] | undefined => {
  if (text === undefined) return undefined
  return [...parseRangeSet(text)].map(Number)
}

const pick = (set: Names, count: number): Names => {
  if (count < 0) throw new RangeError(`--pick: ${count} is negative`)
  const names = [...set]
  // Fisher-Yates, as far as needed.
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(Math.random() * (names.length - i))
    const swapped = names[i] as string
    names[i] = names[j] as string
    names[j] = swapped
  }
  return new Set(names.slice(0, count))
}
