/**
 * Expression x warehouses -> resolution: asks who every name is. What is one machine, and what the operators leave, is
 * decided afterwards by `dedup`.
 */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { isNodeName, parseGroupName, shown } from '../base/names.ts'
import { nearest } from '../base/nearest.ts'
import { globMatcher, matchRegex } from '../nodeset/match.ts'
import type { Expression, Operator } from '../nodeset/syntax/expression.ts'
import { type Lookup, openLookup, type ResolvedNode } from './lookup.ts'
import type { Member, Warehouse } from './warehouse.ts'

/** An expression whose names have been answered. */
export type Selection =
  | { readonly kind: 'nodes'; readonly nodes: readonly ResolvedNode[] }
  /** `key` leads into `Resolution.groups`, so that a group met many times is held once. */
  | { readonly kind: 'group'; readonly label: string; readonly key: string }
  | { readonly kind: 'union'; readonly parts: readonly Selection[] }
  | { readonly kind: 'operation'; readonly operator: Operator; readonly left: Selection; readonly right: Selection }

export interface Resolution {
  readonly selection: Selection
  /** Every group which the selection leads to; free of cycles. */
  readonly groups: ReadonlyMap<string, Selection>
  /** What the administrator should know: contradictions between warehouses, groups with two answers. */
  readonly notices: readonly string[]
}

export interface ResolveOptions extends Abortable {
  /** Take a name which no warehouse knows as a host name, instead of refusing it. */
  readonly allowUnknown?: boolean
  /** Reads a `^file` list and parses it; throws what is wrong with it. */
  readonly readList?: (path: string, io: Abortable) => Promise<Expression>
}

/**
 * Answers every name of the expression. Throws `UNKNOWN_NAME` (naming all unknown names and the nearest known ones),
 * `AMBIGUOUS_NAME`, `GROUP_CYCLE` or `WAREHOUSE_FAILED`; never returns a part of the answer.
 */
export const resolve = async (
  expression: Expression,
  warehouses: readonly Warehouse[],
  options: ResolveOptions,
): Promise<Resolution> => {
  options.signal.throwIfAborted()
  const lookup = openLookup(warehouses, options)
  const unknown = new Set<string>()
  const groups = new Map<string, Selection>()
  // Groups are opened in rounds, all of a round at once: few round trips, and two groups which contain each other
  // cannot wait for one another.
  const pending = new Map<string, () => Promise<Selection>>()

  const evaluate = async (part: Expression, home: Warehouse | undefined): Promise<Selection> => {
    switch (part.kind) {
      case 'names':
        return await byName(part.names, home)
      case 'group':
        return await byGroup(part.text, part.name, part.warehouse, home)
      case 'wildcard':
        return await matching(all => all.filter(globMatcher(part.pattern)))
      case 'regex':
        return await byRegex(part.source)
      case 'file':
        // What a warehouse says must not make us read files of this machine.
        if (home)
          throw new StokerError(
            'WAREHOUSE_FAILED',
            home.name,
            `warehouse ${home.name}: ${part.text} in a group; only what is typed may name a file`,
          )
        return later(`^${part.path}`, part.text, () => fromFile(part.path))
      case 'query':
        return later(part.text, part.text, async () => {
          const warehouse = lookup.named(part.warehouse)
          return await fromMembers(await lookup.query(warehouse, part.query), warehouse)
        })
      case 'group-names':
        throw new StokerError(
          'EXPRESSION',
          part.text,
          `${part.text} are names of groups, which cannot be acted on; 'stoker nodes -e ${part.text}' lists them`,
        )
      case 'operation': {
        const [left, right] = await both(evaluate(part.left, home), evaluate(part.right, home))
        return { kind: 'operation', operator: part.operator, left, right }
      }
      default:
        throw new Error(`unknown expression: ${part satisfies never}`)
    }
  }

  const later = (key: string, label: string, open: () => Promise<Selection>): Selection => {
    if (!groups.has(key)) pending.set(key, open)
    return { kind: 'group', label, key }
  }

  const openGroup = (name: string, warehouse: Warehouse): Selection =>
    later(`@${warehouse.name}:${name}`, `@${name}`, async () =>
      fromMembers((await lookup.members(parseGroupName(name), warehouse)) ?? [], warehouse),
    )

  /**
   * Bare names: nodes or groups, whichever the warehouses say. Every node name could be a group's; what could not is refused
   * before anyone is asked.
   */
  const byName = async (names: readonly string[], home: Warehouse | undefined): Promise<Selection> => {
    const found = await lookup.names(names.map(parseGroupName), home)
    return inOrder(
      found.flatMap(({ node, group }, i): readonly (ResolvedNode | Selection)[] => {
        const name = names[i] as string
        if (node && group) throw ambiguous(name, node, group)
        if (node) return [node]
        if (group) return [openGroup(name, group)]
        if (options.allowUnknown && isNodeName(name)) return [{ requestedName: name, facts: { name }, warehouses: [] }]
        unknown.add(name)
        return []
      }),
    )
  }

  const byGroup = async (text: string, name: string, from: string | undefined, home: Warehouse | undefined) => {
    if (name === '*') return { kind: 'nodes', nodes: await lookup.everyNode(from) } as const
    const warehouse = await lookup.groupOwner(parseGroupName(name), from, home)
    if (warehouse) return openGroup(name, warehouse)
    unknown.add(text)
    return { kind: 'nodes', nodes: [] } as const
  }

  const fromMembers = async (members: readonly Member[], home: Warehouse): Promise<Selection> => {
    const names = members.flatMap(member => (member.kind === 'node' ? [member.name] : []))
    const nodesByName = lookup.nodes(names, home).then(nodes => new Map(names.map((name, i) => [name, nodes[i]])))
    const parts = members.map(async (member): Promise<ResolvedNode | Selection> => {
      if (member.kind === 'expression') return await evaluate(member.expression, home)
      if (member.kind === 'group') return await byGroup(`@${member.name}`, member.name, undefined, home)
      const { name } = member
      // A member of whom nothing is known but the name is still a member: a group is never silently shorter.
      return (await nodesByName).get(name) ?? { requestedName: name, facts: { name }, warehouses: [home.name] }
    })
    return inOrder(await every(parts))
  }

  const matching = async (pick: (names: readonly string[]) => readonly string[]): Promise<Selection> => {
    const nodes = await lookup.everyNode(undefined)
    const picked = new Set(pick(nodes.map(node => node.facts.name)))
    return { kind: 'nodes', nodes: nodes.filter(node => picked.has(node.facts.name)) }
  }

  const byRegex = async (source: string): Promise<Selection> => {
    // `/^web$/` is how a person says "the node web, not the group": it needs no list of all nodes.
    const literal = /^\^([\w-]+)\$$/.exec(source)?.[1]
    if (literal === undefined || !isNodeName(literal)) return await matching(all => matchRegex(source, all))
    const [node] = await lookup.nodes([literal], undefined)
    if (!node) unknown.add(literal)
    return { kind: 'nodes', nodes: node ? [node] : [] }
  }

  const fromFile = async (path: string): Promise<Selection> => {
    if (!options.readList) throw new StokerError('EXPRESSION', path, `^${path}: a file cannot be named here`)
    return await evaluate(await options.readList(path, options), undefined)
  }

  const selection = await evaluate(expression, undefined)
  while (pending.size > 0) {
    const round = [...pending]
    const opened = await every(round.map(([, open]) => open()))
    for (const [i, [key]] of round.entries()) {
      groups.set(key, opened[i] as Selection)
      pending.delete(key)
    }
  }
  refuseCycles(selection, groups)
  if (unknown.size > 0) throw await unknownNames([...unknown].sort(), lookup)
  return { selection, groups, notices: lookup.notices() }
}

/** Nodes and selections as one selection, in their order; nodes which stand side by side are one part of it. */
const inOrder = (items: readonly (ResolvedNode | Selection)[]): Selection => {
  const parts: Selection[] = []
  let nodes: ResolvedNode[] | undefined
  for (const item of items) {
    if ('kind' in item) {
      parts.push(item)
      nodes = undefined
    } else if (nodes) nodes.push(item)
    else {
      nodes = [item]
      parts.push({ kind: 'nodes', nodes })
    }
  }
  return parts.length === 1 ? (parts[0] as Selection) : { kind: 'union', parts }
}

/** Like `Promise.all`, but waits for every part before it throws: no question is left running, no rejection unseen. */
const every = async <T>(parts: readonly Promise<T>[]): Promise<readonly T[]> => {
  const settled = await Promise.allSettled(parts)
  return settled.map(part => {
    if (part.status === 'rejected') throw part.reason
    return part.value
  })
}

const both = async <T>(left: Promise<T>, right: Promise<T>): Promise<readonly [T, T]> =>
  (await every([left, right])) as unknown as readonly [T, T]

/** Depth-first over the groups; throws `GROUP_CYCLE` with the path of the first cycle. */
const refuseCycles = (selection: Selection, groups: ReadonlyMap<string, Selection>): void => {
  const done = new Set<string>()
  const visit = (part: Selection, path: readonly { readonly key: string; readonly label: string }[]): void => {
    switch (part.kind) {
      case 'nodes':
        return
      case 'union':
        for (const one of part.parts) visit(one, path)
        return
      case 'operation':
        visit(part.left, path)
        visit(part.right, path)
        return
      case 'group': {
        const from = path.findIndex(step => step.key === part.key)
        if (from >= 0) throw cycle([...path.slice(from).map(step => step.label), part.label])
        const inside = groups.get(part.key)
        if (!inside || done.has(part.key)) return
        visit(inside, [...path, part])
        done.add(part.key)
        return
      }
      default:
        throw new Error(`unknown selection: ${part satisfies never}`)
    }
  }
  visit(selection, [])
}

const cycle = (labels: readonly string[]): StokerError => {
  const path = labels.join(' -> ')
  return new StokerError('GROUP_CYCLE', path, `a group contains itself: ${path}; take one of these out of the other`)
}

const ambiguous = (name: string, node: ResolvedNode, group: Warehouse): StokerError =>
  new StokerError(
    'AMBIGUOUS_NAME',
    name,
    `${name} is a node (says ${node.warehouses.join(', ')}) and a group (says ${group.name}): write @${name} for the group, '/^${name}$/' for the node`,
  )

const unknownNames = async (names: readonly string[], lookup: Lookup): Promise<StokerError> => {
  const known = await lookup.knownNames()
  const described = names.slice(0, 10).map(name => {
    const forced = name.startsWith('@')
    const bare = forced ? name.slice(1) : name
    const near = forced
      ? nearest(bare.slice(bare.indexOf(':') + 1), known.groups)
      : nearest(bare, [...known.groups, ...known.nodes])
    const hint = near.length > 0 ? ` (did you mean ${near.map(one => (forced ? `@${one}` : one)).join(', ')}?)` : ''
    return `${isNodeName(bare) ? name : shown(name)}${hint}`
  })
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  return new StokerError(
    'UNKNOWN_NAME',
    names.join(','),
    `no warehouse knows ${described.join(', ')}${more}. Asked: ${lookup.sourceNames()}. 'stoker groups' lists the groups; --allow-unknown takes a name as a host name`,
  )
}
