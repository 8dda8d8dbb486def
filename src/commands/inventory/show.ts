/** `stoker show`: all that the warehouses know of a node or a group, and which of them says so. */
import { harmlessMessage } from '../../base/printable.ts'
import { expressionText } from '../../inventory/cache/member-text.ts'
import type { Member } from '../../inventory/warehouse.ts'
import { fold } from '../../nodeset/fold.ts'
import { standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'
import { type DescribedGroup, describe } from './describe.ts'
import type { Memberships } from './memberships.ts'
import { type Answer, factsOf } from './node-facts.ts'

export interface ShowFlags {
  readonly config?: string
  readonly fresh?: boolean
  readonly json?: boolean
}

const MOST_FAILURES = 10

/** Prints what is known; returns the exit code, 3 when a group could not be looked into. Throws `UNKNOWN_NAME`. */
export const show = async (text: string, flags: ShowFlags): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const io = { signal: stdout.gone }
  const warn = (notice: string) => void stderr.write(`stoker: ${harmlessMessage(notice)}\n`)
  await using site = await openSite(flags, warn, io)
  const { name, node, groups, notices } = await describe(text, site.warehouses, io)
  if (node) {
    const { answers, memberships } = node
    await stdout.write(flags.json ? nodeJson(name, answers, memberships) : table(nodeRows(name, answers, memberships)))
  }
  if (groups.length > 0) await stdout.write(flags.json ? groupJson(name, groups) : table(groupRows(name, groups)))
  for (const notice of notices) warn(notice)
  const failures = node?.memberships.failures ?? []
  for (const { message } of failures.slice(0, MOST_FAILURES)) warn(message)
  if (failures.length > MOST_FAILURES) warn(`and ${failures.length - MOST_FAILURES} more`)
  await stdout.flush()
  return failures.length > 0 ? 3 : 0
}

/** A mark or nothing, what it is about, the value, who says so. */
type Row = readonly [mark: '' | '!', what: string, value: string, who: string]

const nodeRows = (name: string, answers: readonly Answer[], { groups, cycles }: Memberships): readonly Row[] => [
  ['', 'node', name, answers.map(({ warehouse }) => warehouse).join(', ')],
  ...factsOf(answers).map(({ fact, value, warehouses, contradicts }): Row => {
    const who = warehouses.join(', ')
    return contradicts === undefined
      ? ['', fact, textOf(value), who]
      : ['!', fact, textOf(value), `${who} (contradicts ${contradicts})`]
  }),
  ...groups.map(({ warehouse, path }): Row => ['', 'group', path.join(' > '), warehouse]),
  ...cycles.map((path): Row => ['!', 'cycle', path.join(' -> '), 'nobody can act on these groups']),
]

const groupRows = (name: string, groups: readonly DescribedGroup[]): readonly Row[] => [
  ['', 'group', `@${name}`, groups.map(({ warehouse }) => warehouse).join(', ')],
  ...groups.flatMap(({ warehouse, members, nodes }): readonly Row[] => [
    ['', 'members', membersText(members), warehouse],
    typeof nodes === 'number' ? ['', 'nodes', String(nodes), warehouse] : ['!', 'nodes', nodes.message, warehouse],
  ]),
]

/** Columns, the last one as wide as it is. */
const table = (rows: readonly Row[]): string => {
  const cells = rows.map(([mark, ...others]) => [mark || ' ', ...others.map(harmlessMessage)])
  const widths = [1, 2].map(column =>
    Math.max(0, ...cells.map(row => row[column]?.length ?? 0).filter(width => width < 60)),
  )
  return cells
    .map(
      ([mark, what = '', value = '', who]) =>
        `${mark} ${what.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${who}\n`,
    )
    .join('')
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Names folded, groups and expressions after them. */
const membersText = (members: readonly Member[]): string => {
  const names = members.flatMap(member => {
    if (member.kind === 'node') return [member.name]
    return member.kind === 'expression' && member.expression.kind === 'names' ? member.expression.names : []
  })
  const others = members.filter(member => member.kind !== 'node' && !isNames(member)).map(memberText)
  return [...(names.length > 0 ? [fold(names)] : []), ...others].join(',') || '-'
}

const isNames = (member: Member): boolean => member.kind === 'expression' && member.expression.kind === 'names'

const memberText = (member: Member): string => {
  if (member.kind === 'expression') return expressionText(member.expression)
  return member.kind === 'group' ? `@${member.name}` : member.name
}

const nodeJson = (name: string, answers: readonly Answer[], { groups, cycles }: Memberships): string => {
  const contradictions = factsOf(answers)
    .filter(({ contradicts }) => contradicts !== undefined)
    .map(({ fact, value, warehouses, contradicts }) => ({ fact, value, warehouses, contradicts }))
  return line({ kind: 'node', name, warehouses: answers, contradictions, groups, cycles })
}

const groupJson = (name: string, groups: readonly DescribedGroup[]): string =>
  line({
    kind: 'group',
    name,
    warehouses: groups.map(({ warehouse, members, nodes }) => ({
      warehouse,
      members: members.map(memberText),
      ...(typeof nodes === 'number' ? { nodes } : { error: nodes.message }),
    })),
  })

const line = (value: unknown): string => `${JSON.stringify(value)}\n`
