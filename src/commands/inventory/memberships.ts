/** Which groups a node is in, directly or through other groups, in every warehouse which can list its groups. */
import type { Abortable } from '../../base/abortable.ts'
import { type StokerError, toStokerError } from '../../base/errors.ts'
import { type GroupName, isNodeName, parseGroupName } from '../../base/names.ts'
import type { Lookup } from '../../inventory/lookup.ts'
import { readList } from '../../inventory/read-list.ts'
import type { Member, Warehouse } from '../../inventory/warehouse.ts'
import { globMatcher, matchRegex } from '../../nodeset/match.ts'
import type { Expression } from '../../nodeset/syntax/expression.ts'

export interface Memberships {
  /** One for each group, by the shortest path: from the group down to the one which names the node. */
  readonly groups: readonly { readonly warehouse: string; readonly path: readonly string[] }[]
  /** Groups which contain themselves, among those and what is in them: each as `@a`, `@b`, `@a`. */
  readonly cycles: readonly (readonly string[])[]
  /** Groups which could not be looked into. */
  readonly failures: readonly StokerError[]
}

/** Who is looked for. */
export interface Subject {
  /** All the names by which a group may have it as a member. */
  readonly names: ReadonlySet<string>
  /** The names which patterns are matched against. */
  readonly canonical: readonly string[]
  /** The warehouses which know it. */
  readonly warehouses: ReadonlySet<string>
}

/** What a group says about the subject. */
type Formula =
  | { readonly kind: 'it' | 'others' }
  | { readonly kind: 'group'; readonly key: string; readonly label: string }
  | { readonly kind: 'union'; readonly parts: readonly Formula[] }
  | {
      readonly kind: 'operation'
      readonly operator: '!' | '&' | '^'
      readonly left: Formula
      readonly right: Formula
    }

interface Group {
  readonly warehouse: string
  readonly formula: Formula
}

/** The names of groups below the one asked about; empty: it names the node itself. */
type GroupPath = readonly string[]

/** The groups of each warehouse which can list them, sorted. Throws `WAREHOUSE_FAILED`. */
export const listGroups = async (
  warehouses: readonly Warehouse[],
  io: Abortable,
): Promise<ReadonlyMap<Warehouse, readonly GroupName[]>> => {
  const lists = warehouses.map(async warehouse => {
    try {
      return warehouse.groups ? ([[warehouse, (await Array.fromAsync(warehouse.groups(io))).sort()]] as const) : []
    } catch (thrown) {
      throw toStokerError(thrown, warehouse.name, 'WAREHOUSE_FAILED')
    }
  })
  return new Map((await Promise.all(lists)).flat())
}

/** Asks for the members of every listed group, and of those which they lead to. */
export const memberships = async (
  subject: Subject,
  ask: Lookup,
  lists: ReadonlyMap<Warehouse, readonly GroupName[]>,
  io: Abortable,
): Promise<Memberships> => {
  const listed = new Set<string>([...lists.values()].flat())
  const groups = new Map<string, Group>()
  const failures: StokerError[] = []
  let pending = new Map<string, () => Promise<void>>()

  const open = (name: GroupName, warehouse: Warehouse): string => {
    const key = `${warehouse.name}\0${name}`
    if (groups.has(key) || pending.has(key)) return key
    pending.set(key, async () => {
      let formula: Formula = OTHERS
      try {
        formula = await ofMembers((await ask.members(name, warehouse)) ?? [], warehouse)
      } catch (thrown) {
        io.signal.throwIfAborted()
        failures.push(toStokerError(thrown, name))
      }
      groups.set(key, { warehouse: warehouse.name, formula })
    })
    return key
  }

  const reference = (name: GroupName, owner: Warehouse, home: Warehouse | undefined): Formula => {
    const label = owner === home ? `@${name}` : `@${owner.name}:${name}`
    return { kind: 'group', key: open(name, owner), label }
  }

  const ofMembers = async (members: readonly Member[], home: Warehouse): Promise<Formula> => {
    // Most members are other nodes: nobody has to be asked about them.
    const others = members.filter(member => member.kind !== 'node' || subject.names.has(member.name))
    const parts = others.map(async (member): Promise<Formula> => {
      if (member.kind === 'node') return IT
      if (member.kind === 'expression') return await of(member.expression, home)
      return await ofGroup(member.name, undefined, home)
    })
    return union(await Promise.all(parts))
  }

  const of = async (part: Expression, home: Warehouse | undefined): Promise<Formula> => {
    switch (part.kind) {
      case 'names':
        return await ofNames(part.names, home)
      case 'group':
        if (part.name !== '*') return await ofGroup(parseGroupName(part.name), part.warehouse, home)
        return part.warehouse === undefined || subject.warehouses.has(part.warehouse) ? IT : OTHERS
      case 'wildcard':
        return subject.canonical.some(globMatcher(part.pattern)) ? IT : OTHERS
      case 'regex':
        return matchRegex(part.source, subject.canonical).length > 0 ? IT : OTHERS
      case 'file':
        return await of(await readList(part.path, io), home)
      case 'query': {
        const warehouse = ask.named(part.warehouse)
        return await ofMembers(await ask.query(warehouse, part.query), warehouse)
      }
      case 'group-names':
        return OTHERS
      case 'operation': {
        const [left, right] = [await of(part.left, home), await of(part.right, home)]
        const { operator } = part
        return operator === ',' ? union([left, right]) : { kind: 'operation', operator, left, right }
      }
      default:
        throw new Error(`unknown expression: ${part satisfies never}`)
    }
  }

  const ofGroup = async (name: GroupName, from: string | undefined, home: Warehouse | undefined): Promise<Formula> => {
    const owner = await ask.groupOwner(name, from, home)
    return owner ? reference(name, owner, home) : OTHERS
  }

  /** Bare names are nodes or groups, as the warehouses say. Names which no group has are not worth a question. */
  const ofNames = async (names: readonly string[], home: Warehouse | undefined): Promise<Formula> => {
    const candidates = names.filter(name => !subject.names.has(name) && (listed.has(name) || !isNodeName(name)))
    const groupNames = candidates.map(parseGroupName)
    const found = groupNames.length === 0 ? [] : await ask.names(groupNames, home)
    const others = groupNames.map((name, i) => {
      const owner = found[i]?.group
      return owner ? reference(name, owner, home) : OTHERS
    })
    return union(names.some(name => subject.names.has(name)) ? [IT, ...others] : others)
  }

  for (const [warehouse, names] of lists) for (const name of names) open(name, warehouse)
  while (pending.size > 0) {
    const round = [...pending.values()]
    pending = new Map()
    await Promise.all(round.map(work => work()))
  }

  const order = [...lists.keys()].map(({ name }) => name)
  const found = [...shortestPaths(groups)].map(([key, path]) => {
    const [warehouse = '', name = ''] = key.split('\0')
    return { key, warehouse, path: [`@${name}`, ...path] }
  })
  found.sort(
    (a, b) =>
      order.indexOf(a.warehouse) - order.indexOf(b.warehouse) ||
      a.path.length - b.path.length ||
      (a.key < b.key ? -1 : 1),
  )
  const cycles = cyclesFrom(
    found.map(({ key }) => key),
    groups,
  )
  return { groups: found.map(({ warehouse, path }) => ({ warehouse, path })), cycles, failures }
}

const IT: Formula = { kind: 'it' }
const OTHERS: Formula = { kind: 'others' }

const union = (parts: readonly Formula[]): Formula => {
  const relevant = parts.filter(part => part !== OTHERS)
  return relevant.length === 0 ? OTHERS : { kind: 'union', parts: relevant }
}

/**
 * The shortest path from each group to the node. Round after round each group is looked at with what the round before found,
 * until nothing changes: groups which contain each other do no harm.
 */
const shortestPaths = (groups: ReadonlyMap<string, Group>): ReadonlyMap<string, GroupPath> => {
  let known = new Map<string, GroupPath>()
  for (let round = 0; round <= groups.size; round++) {
    const next = new Map<string, GroupPath>()
    for (const [key, { formula }] of groups) {
      const path = pathOf(formula, known)
      if (path) next.set(key, path)
    }
    const isSettled =
      next.size === known.size && [...next].every(([key, path]) => known.get(key)?.length === path.length)
    known = next
    if (isSettled) break
  }
  return known
}

const pathOf = (formula: Formula, known: ReadonlyMap<string, GroupPath>): GroupPath | undefined => {
  switch (formula.kind) {
    case 'it':
      return []
    case 'others':
      return undefined
    case 'group': {
      const path = known.get(formula.key)
      return path && [formula.label, ...path]
    }
    case 'union':
      return formula.parts.map(part => pathOf(part, known)).reduce(shorter, undefined)
    case 'operation': {
      const [left, right] = [pathOf(formula.left, known), pathOf(formula.right, known)]
      if (formula.operator === '!') return right ? undefined : left
      if (formula.operator === '&') return left && right && left
      return left && right ? undefined : (left ?? right)
    }
    default:
      throw new Error(`unknown formula: ${formula satisfies never}`)
  }
}

const shorter = (a: GroupPath | undefined, b: GroupPath | undefined): GroupPath | undefined =>
  !a || (b && b.length < a.length) ? b : a

const cyclesFrom = (keys: readonly string[], groups: ReadonlyMap<string, Group>): readonly (readonly string[])[] => {
  const visited = new Set<string>()
  const cycles: string[][] = []
  const visit = (key: string, path: readonly string[]): void => {
    const from = path.indexOf(key)
    if (from >= 0) cycles.push([...path.slice(from), key].map(one => `@${one.replace('\0', ':')}`))
    if (from >= 0 || visited.has(key)) return
    for (const next of referencesOf(groups.get(key)?.formula ?? OTHERS)) visit(next, [...path, key])
    visited.add(key)
  }
  for (const key of keys) visit(key, [])
  return cycles
}

const referencesOf = (formula: Formula): readonly string[] => {
  switch (formula.kind) {
    case 'group':
      return [formula.key]
    case 'union':
      return formula.parts.flatMap(referencesOf)
    case 'operation':
      return [...referencesOf(formula.left), ...referencesOf(formula.right)]
    default:
      return []
  }
}
