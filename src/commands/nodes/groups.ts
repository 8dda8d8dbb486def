/** What `stoker nodes` prints of groups: the sources, their groups, and the groups of nodes. */
import { type Evaluator, type Names, noListing } from '../../nodeset/evaluate.ts'
import { foldFamilies } from '../../nodeset/fold.ts'
import { memberships } from '../../nodeset/regroup.ts'
import { families } from '../../nodeset/sets/family.ts'
import { type NodesOptions, stepsFrom } from './options.ts'

/** Where the lines go. */
interface Streams {
  stdout(text: string): void
  stderr(text: string): void
}

/** `--groupsources`. */
export const printSources = async (options: NodesOptions, ask: Evaluator, io: Streams): Promise<void> => {
  for (const [i, source] of (await ask.sources()).entries())
    io.stdout(`${source}${i === 0 && !options.quiet ? ' (default)' : ''}\n`)
}

/** `--completion`, up to the nodes. */
export const printCompletion = async (options: NodesOptions, ask: Evaluator, io: Streams): Promise<void> => {
  if (options.source === undefined) for (const source of await ask.sources()) io.stdout(`@${source}:\n`)
  await printGroups({ ...options, command: 'list', level: 1, steps: [], all: false }, new Set(), ask, io)
}

/** `-l` and `-L`: all groups or, where operands were given, those of the set. */
export const printGroups = async (options: NodesOptions, set: Names, ask: Evaluator, io: Streams): Promise<void> => {
  // The default or chosen source goes without its name where all are listed.
  const sources =
    options.command === 'list' ? [options.source] : (await ask.sources()).map((name, i) => (i === 0 ? undefined : name))
  for (const source of sources) {
    const label = labelFor(options, source)
    const lines =
      options.all || options.steps.length > 0
        ? await groupsOfNodes(options, set, ask, source, label)
        : await allGroups(options, ask, source, label)
    if (lines) io.stdout(lines.map(line => `${line}\n`).join(''))
    else {
      const name = source ?? (await ask.sources())[0] ?? ''
      if (options.command === 'list') throw noListing(name)
      io.stderr(`Warning: No list upcall defined for group source ${name}\n`)
    }
  }
}

/** How a group of a source is written. */
export const labelFor = (options: NodesOptions, source: string | undefined) => (group: string) =>
  source !== undefined && !options.groupbase ? `@${source}:${group}` : `@${group}`

type Label = (group: string) => string

const allGroups = async ({ level }: NodesOptions, ask: Evaluator, source: string | undefined, label: Label) => {
  const groups = await ask.list(source)
  if (!groups || level === 1) return groups?.map(label)
  const lines: string[] = []
  for (const group of groups) {
    const members = await ask.members(source, group)
    const count = level > 2 ? ` ${members.size}` : ''
    lines.push(`${label(group)} ${foldFamilies(families(members))}${count}`)
  }
  return lines
}

const groupsOfNodes = async (
  options: NodesOptions,
  set: Names,
  ask: Evaluator,
  source: string | undefined,
  label: Label,
) =>
  (await memberships(set, ask, source)).map(({ group, nodes }) => {
    if (options.level === 1) return label(group)
    const common = set.intersection(nodes)
    const text = foldFamilies(families(common), { autostep: stepsFrom(options, set.size) })
    return `${label(group)} ${text}${options.level > 2 ? ` ${common.size}/${nodes.size}` : ''}`
  })
