/** `stoker show`: all that the warehouses know of a node or a group, and which of them says so. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { type GroupName, isNodeName, parseGroupName } from '../../base/names.ts'
import { harmlessMessage } from '../../base/printable.ts'
import { type Questions, questions } from '../../inventory/ask.ts'
import { expressionText } from '../../inventory/cache/member-text.ts'
import { resolve } from '../../inventory/resolve.ts'
import type { Member, Warehouse } from '../../inventory/warehouse.ts'
import { fold } from '../../nodeset/fold.ts'
import { parseExpression } from '../../nodeset/syntax/parse.ts'
import { standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'
import { countNodes } from './count-nodes.ts'
import { listGroups, type Memberships, memberships } from './memberships.ts'
import { type Answer, factsOf } from './node-facts.ts'
import { namesIn, whoKnowsGroup, whoKnowsNode } from './who-knows.ts'

export interface ShowFlags {
  readonly config?: string
  readonly fresh?: boolean
  readonly json?: boolean
}

/** Prints what is known; returns the exit code, 3 when a group could not be looked into. Throws `UNKNOWN_NAME`. */
export const show = async (text: string, flags: ShowFlags): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const io = { signal: stdout.gone }
  const say = (notice: string) => void stderr.write(`stoker: ${harmlessMessage(notice)}\n`)
  const { name, forced, from } = parseWanted(text)
  await using site = await openSite(flags, say, io)
  const ask = questions(site.warehouses, io)

  const answers = forced ? [] : await whoKnowsNode(name, site.warehouses, io)
  const asked = from === undefined ? site.warehouses.filter(one => !one.lastResort) : [ask.named(from)]
  const known = await whoKnowsGroup(name, asked, ask, { ...io, listed: answers.length > 0 })
  // It tells what is unknown and what is near to it, as it does for everyone who types such a name.
  if (answers.length + known.length === 0) await resolve(parseExpression(text), site.warehouses, io)

  const failures: StokerError[] = []
  if (answers.length > 0) {
    const found = await membershipsOf(name, answers, site.warehouses, ask, io)
    failures.push(...found.failures)
    await stdout.write(flags.json ? nodeJson(name, answers, found) : table(nodeRows(name, answers, found)))
  }
  if (known.length > 0) {
    const groups: Group[] = []
    for (const { warehouse, members } of known)
      groups.push({
        warehouse: warehouse.name,
        members,
        nodes: await countNodes(name, warehouse.name, site.warehouses, io),
      })
    await stdout.write(flags.json ? groupJson(name, groups) : table(groupRows(name, groups)))
  }
  for (const notice of ask.notices()) say(notice)
  for (const { message } of failures.slice(0, MOST_FAILURES)) say(message)
  if (failures.length > MOST_FAILURES) say(`and ${failures.length - MOST_FAILURES} more`)
  await stdout.flush()
  return failures.length > 0 ? 3 : 0
}

const MOST_FAILURES = 10

/** What one warehouse says of a group. */
interface Group {
  readonly warehouse: string
  readonly members: readonly Member[]
  /** How many there are in it; an error where nobody could act on it. */
  readonly nodes: number | StokerError
}

/** One name, of a node or a group; `@name` and `@warehouse:name` can only be a group's. */
const parseWanted = (text: string) => {
  const expression = parseExpression(text)
  const [name, ...others] = expression.kind === 'names' ? expression.names : []
  if (name !== undefined && others.length === 0) return { name: parseGroupName(name), forced: false, from: undefined }
  if (expression.kind === 'group' && expression.name !== '*')
    return { name: parseGroupName(expression.name), forced: true, from: expression.warehouse }
  throw new StokerError(
    'USAGE',
    text,
    `show takes one name: web1, @web or @ldap:web; 'stoker resolve' takes expressions`,
  )
}

const membershipsOf = async (
  name: GroupName,
  answers: readonly Answer[],
  warehouses: readonly Warehouse[],
  ask: Questions,
  io: Abortable,
): Promise<Memberships> => {
  // All warehouses together: what they contradict each other about is among the notices then.
  if (isNodeName(name)) await ask.nodes([name], undefined)
  const wanted = {
    names: new Set([name, ...namesIn(answers)]),
    canonical: [...new Set(answers.map(({ facts }) => facts.name))],
    warehouses: new Set(answers.map(({ warehouse }) => warehouse)),
  }
  return await memberships(wanted, ask, await listGroups(warehouses, io), io)
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

const groupRows = (name: string, groups: readonly Group[]): readonly Row[] => [
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

const groupJson = (name: string, groups: readonly Group[]): string =>
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
