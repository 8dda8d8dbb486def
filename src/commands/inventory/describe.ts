/** All that the warehouses know of a node or a group, as data: for `stoker show`, and whoever else shows it. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { type GroupName, isNodeName, parseGroupName } from '../../base/names.ts'
import { type Lookup, openLookup } from '../../inventory/lookup.ts'
import { resolve } from '../../inventory/resolve.ts'
import type { Member, Warehouse } from '../../inventory/warehouse.ts'
import { parseExpression } from '../../nodeset/syntax/parse.ts'
import { countNodes } from './count-nodes.ts'
import { listGroups, type Memberships, memberships } from './memberships.ts'
import type { Answer } from './node-facts.ts'
import { namesIn, whoKnowsGroup, whoKnowsNode } from './who-knows.ts'

/** What is known of one name: as a node, as a group, or as both. */
export interface Description {
  readonly name: GroupName
  readonly node: { readonly answers: readonly Answer[]; readonly memberships: Memberships } | undefined
  /** What each warehouse says which knows such a group. */
  readonly groups: readonly DescribedGroup[]
  /** What the warehouses contradict each other about, and the like. */
  readonly notices: readonly string[]
}

export interface DescribedGroup {
  readonly warehouse: string
  readonly members: readonly Member[]
  /** How many machines it is; an error where nobody could act on it. */
  readonly nodes: number | StokerError
}

/** `text` is `web1`, `@web` or `@ldap:web`. Throws `UNKNOWN_NAME` with the nearest names, `USAGE` for an expression. */
export const describe = async (text: string, warehouses: readonly Warehouse[], io: Abortable): Promise<Description> => {
  const { name, forced, from } = parseWanted(text)
  const ask = openLookup(warehouses, io)
  const answers = forced ? [] : await whoKnowsNode(name, warehouses, io)
  const asked = from === undefined ? warehouses.filter(one => !one.lastResort) : [ask.named(from)]
  const known = await whoKnowsGroup(name, asked, ask, { ...io, listed: answers.length > 0 })
  // It tells what is unknown and what is near to it, as it does for everyone who types such a name.
  if (answers.length + known.length === 0) await resolve(parseExpression(text), warehouses, io)

  const node =
    answers.length > 0 ? { answers, memberships: await membershipsOf(name, answers, warehouses, ask, io) } : undefined
  const groups: DescribedGroup[] = []
  for (const { warehouse, members } of known) {
    const nodes = await countNodes(name, warehouse.name, warehouses, io)
    groups.push({ warehouse: warehouse.name, members, nodes })
  }
  return { name, node, groups, notices: ask.notices() }
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
  ask: Lookup,
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
