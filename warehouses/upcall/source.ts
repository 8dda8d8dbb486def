/** Group sources in the manner of ClusterShell's upcalls: questions whose answers are node sets as text. */
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { type GroupName, isNodeName, type NodeName, parseGroupName, shown } from '../../src/base/names.ts'
import type { Member, NodeFacts, Warehouse } from '../../src/inventory/warehouse.ts'
import { evaluator } from '../../src/nodeset/evaluate.ts'
import type { Groups } from '../../src/nodeset/groups.ts'
import type { Expression } from '../../src/nodeset/syntax/expression.ts'
import { unionOf } from '../../src/nodeset/syntax/union.ts'
import { parseMemberText } from '../common/member-text.ts'
import { type Row, tableWarehouse, unfit } from '../common/table.ts'

/** Answers come as words: a node set each, or a group's name each. */
export type Words = readonly string[]

/** A source of groups. A method which is not there is a question which cannot be asked. */
export interface GroupSource {
  /** What a group holds; nothing for an unknown one, as far as the source can tell. */
  map(group: string, io: Abortable): Promise<Words>
  all?(io: Abortable): Promise<Words>
  /** The names of its groups. */
  list?(io: Abortable): Promise<Words>
  /** The groups of a node. */
  reverse?(node: string, io: Abortable): Promise<Words>
}

export interface UpcallOptions {
  readonly name: string
  readonly source: GroupSource
  /** Facts of nodes, where there are any. */
  facts?(io: Abortable): Promise<readonly Row[]>
  /** Members for what is neither a name nor a group of this source: `@other:x`, `a!b`, `n*`. */
  compound(expression: Expression, io: Abortable): Promise<readonly Member[]>
  /** The port and the source in it by which all nodes are found; the source alone unless given. */
  readonly groups?: { readonly port: Groups; readonly source: string }
}

/** The words of a text. */
export const wordsOf = (text: string): Words => text.split(/\s+/).filter(word => word !== '')

/** A warehouse on a group source. Names in its answers are nodes; groups have `@` in front. */
export const upcallWarehouse = ({ name, source, facts, compound, groups }: UpcallOptions): Warehouse => {
  const table = tableWarehouse({
    name,
    async load(io) {
      const rows = facts ? await facts(io) : []
      const listed =
        source.all || !facts ? await nodesOf(groups ?? { port: groupsPort(source, name), source: name }, name, io) : []
      const known = new Set(rows.map(row => row.name))
      return {
        nodes: [...rows, ...listed.filter(node => !known.has(node)).map(node => ({ name: node }))],
        groups: new Map(),
      }
    },
  })
  const canListNodes = source.all !== undefined || source.list !== undefined || facts !== undefined

  const isListed = async (group: string, io: Abortable) => (await source.list?.(io))?.includes(group)

  const warehouse: Warehouse = {
    name,
    async members(group, io) {
      io.signal.throwIfAborted()
      const words = await source.map(group, io).catch(async thrown => {
        io.signal.throwIfAborted()
        // Many commands fail for a group which does not exist. Then the list says so; if that fails, too, it is broken.
        if ((await isListed(group, io)) === false) return []
        throw thrown
      })
      if (words.length === 0) return (await isListed(group, io)) ? [] : undefined
      return await membersOf(words, group, name, expression => compound(expression, io))
    },
    async nodes(names, io) {
      io.signal.throwIfAborted()
      return canListNodes ? await table.nodes(names, io) : await nodesByReverse(source, names, io)
    },
    ...(canListNodes && { all: table.all }),
    ...(facts && { query: table.query }),
    ...(source.list && {
      async *groups(io: Abortable) {
        io.signal.throwIfAborted()
        yield* new Set((await source.list?.(io))?.flatMap(group => fitGroup(group) ?? []))
      },
    }),
    async [Symbol.asyncDispose]() {},
  }
  return warehouse
}

/** Words as members; throws `WAREHOUSE_FAILED` naming one which makes no sense. */
export const membersOf = async (
  words: Words,
  group: string,
  warehouse: string,
  compound: (expression: Expression) => Promise<readonly Member[]>,
): Promise<readonly Member[]> => {
  const members: (readonly Member[] | Promise<readonly Member[]>)[] = []
  for (const word of words) {
    // Nearly always it is a plain name, which needs no parser.
    const expression: Expression = PLAIN.test(word)
      ? { kind: 'names', text: word, names: [word] }
      : parseMemberText(word, group, warehouse)
    for (const part of unionPartsOf(expression)) {
      if (part.kind === 'names') members.push(part.names.map(node => nodeMember(node, group, warehouse)))
      else if (part.kind === 'group' && part.warehouse === undefined && part.name !== '*')
        members.push([{ kind: 'group', name: parseGroupName(part.name) }])
      else members.push(compound(part))
    }
  }
  return (await Promise.all(members)).flat()
}

const unionPartsOf = (expression: Expression): readonly Expression[] =>
  expression.kind === 'operation' && expression.operator === ','
    ? [...unionPartsOf(expression.left), ...unionPartsOf(expression.right)]
    : [expression]

/** The source as the calculator's port, under its warehouse's name. */
export const groupsPort = (source: GroupSource, warehouse: string): Groups => ({
  sources: [warehouse],
  map: async (_, group, io) => expressionOf(await source.map(group, io), group, warehouse),
  all: async (_, io) => source.all && expressionOf(await source.all(io), '*', warehouse),
  list: async (_, io) => source.list?.(io),
  async reverse(_, nodes, io) {
    if (!source.reverse) return undefined
    const found = new Map<string, Words>()
    for (const node of nodes) found.set(node, await source.reverse(node, io))
    return found
  },
  query: async () => undefined,
})

/** Words as one expression; throws `WAREHOUSE_FAILED` naming one which makes no sense. */
export const expressionOf = (words: Words, group: string, warehouse: string): Expression =>
  unionOf(words.map(word => parseMemberText(word, group, warehouse)))

/** For an evaluator: files of this machine are for people at the command line only. */
export const noFiles = async (path: string): Promise<never> => {
  throw new StokerError('WAREHOUSE_FAILED', path, `^${path}: a warehouse cannot ask for a file of this machine`)
}

const PLAIN = /^[\p{L}\p{N}_.-]+$/u

/** A member which is a node; throws `WAREHOUSE_FAILED` when that is no name. */
export const nodeMember = (node: string, group: string, warehouse: string): Member => {
  if (isNodeName(node)) return { kind: 'node', name: node }
  throw unfit(warehouse, node, `group ${shown(group)} has a member ${shown(node)}, which is no name`)
}

const nodesOf = async (
  { port, source }: { readonly port: Groups; readonly source: string },
  warehouse: string,
  io: Abortable,
): Promise<readonly string[]> => {
  const ask = evaluator({ ...io, groups: async () => port, source, readList: noFiles })
  return [...(await asFailure(warehouse, ask.all()))]
}

/** What a source answers is not what somebody typed: when it makes no sense, the source is broken. */
export const asFailure = async <T>(warehouse: string, answer: Promise<T>): Promise<T> => {
  try {
    return await answer
  } catch (thrown) {
    if (!(thrown instanceof StokerError) || (thrown.code !== 'EXPRESSION' && thrown.code !== 'UNKNOWN_NAME'))
      throw thrown
    throw new StokerError('WAREHOUSE_FAILED', thrown.subject, `warehouse ${warehouse}: ${thrown.message}`, {
      cause: thrown,
    })
  }
}

/** A node which is in a group is known; asked one by one, where there is nothing better. */
const nodesByReverse = async (
  source: GroupSource,
  names: readonly NodeName[],
  io: Abortable,
): Promise<ReadonlyMap<NodeName, NodeFacts>> => {
  const answers = await Promise.all(
    [...new Set(names)].map(async node => [node, await source.reverse?.(node, io)] as const),
  )
  return new Map(answers.flatMap(([name, groups]) => (groups?.length ? [[name, { name }] as const] : [])))
}

const fitGroup = (name: string): GroupName | undefined => {
  try {
    return parseGroupName(name)
  } catch {
    return undefined // nobody can ask for such a group; one which has it as a member says so when it is asked
  }
}

/** The same source, which is asked each question once. */
export const remembering = (source: GroupSource): GroupSource => {
  const answers = new Map<string, Words>()
  const once = async (question: string, ask: () => Promise<Words>): Promise<Words> => {
    const known = answers.get(question)
    if (known) return known
    const answer = await ask()
    answers.set(question, answer)
    return answer
  }
  const { all, list, reverse } = source
  return {
    map: (group, io) => once(`map ${group}`, () => source.map(group, io)),
    ...(all && { all: io => once('all', () => all(io)) }),
    ...(list && { list: io => once('list', () => list(io)) }),
    ...(reverse && { reverse: (node, io) => once(`reverse ${node}`, () => reverse(node, io)) }),
  }
}
