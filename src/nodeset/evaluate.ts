/** Expressions to sets of names, asking a `Groups` port. What is one machine is not decided here: names are names. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { expandExpression } from './expand.ts'
import type { Groups } from './groups.ts'
import { globMatcher, matchRegex } from './match.ts'
import { combine, limited } from './sets/algebra.ts'
import { families } from './sets/family.ts'
import { inOrder } from './sets/order.ts'
import type { Expression } from './syntax/expression.ts'
import { parseExpression } from './syntax/parse.ts'
import { expandPattern, parsePattern } from './syntax/pattern.ts'

export type Names = ReadonlySet<string>

export interface EvaluateOptions extends Abortable {
  /** Asked for when the first group, wildcard or regular expression comes up, and once. */
  readonly groups: () => Promise<Groups>
  /** The source of groups without one; else the port's first. */
  readonly source?: string | undefined
  /** Reads and parses a `^file`. */
  readonly readList: (path: string) => Promise<Expression>
  /** Told about every question to a source. */
  readonly debug?: ((question: string) => void) | undefined
}

export type Evaluator = ReturnType<typeof evaluator>

/** Answers of the port are kept as long as the evaluator. Its methods throw `GROUP_CYCLE`, `UNKNOWN_NAME`, `WAREHOUSE_FAILED`. */
export const evaluator = (options: EvaluateOptions) => {
  const { signal } = options
  let port: Promise<Groups> | undefined
  const known = new Map<string, Names>()
  const lists = new Map<string, Promise<readonly string[] | undefined>>()

  const groups = (): Promise<Groups> => {
    port ??= options.groups()
    return port
  }

  /** The name of a source: the one given, the one chosen, or the default. */
  const sourceName = async (from: string | undefined): Promise<string> => {
    const { sources } = await groups()
    const name = from ?? options.source ?? sources[0]
    if (name !== undefined && sources.includes(name)) return name
    throw new StokerError('UNKNOWN_NAME', name ?? '<default>', `Unknown group source: "${name ?? '<default>'}"`)
  }

  /** Asks a question once: `key` is the question, `path` the groups which led to it. */
  const once = async (key: string, path: Path, answer: (path: Path) => Promise<Names>): Promise<Names> => {
    signal.throwIfAborted()
    if (path.includes(key)) {
      const circle = [...path.slice(path.indexOf(key)), key].join(' -> ')
      throw new StokerError('GROUP_CYCLE', circle, `a group contains itself: ${circle}`)
    }
    const before = known.get(key)
    if (before) return before
    options.debug?.(key)
    const names = await answer([...path, key])
    known.set(key, names)
    return names
  }

  const evaluate = async (expression: Expression, from: string | undefined, path: Path): Promise<Names> => {
    switch (expression.kind) {
      case 'names':
        return new Set(expression.names)
      case 'operation': {
        // One after the other: what is asked for on the left is known on the right.
        const left = await evaluate(expression.left, from, path)
        const right = await evaluate(expression.right, from, path)
        return limited(combine(left, expression.operator, right))
      }
      case 'group': {
        const source = await sourceName(expression.warehouse ?? from)
        if (expression.name === '*') return await everyNode(source, path)
        return await members(source, expression.name, path)
      }
      case 'group-names':
        return await groupNames(await sourceName(expression.warehouse ?? from), path)
      case 'wildcard': {
        const matches = globMatcher(expression.pattern)
        return new Set((await candidates(await sourceName(from), path)).values().filter(matches))
      }
      case 'regex':
        return new Set(matchRegex(expression.source, [...(await candidates(await sourceName(from), path))]))
      case 'file':
        // What a source answers is data: it must not make us read files.
        if (path.some(question => question.startsWith('@')))
          throw new StokerError('EXPRESSION', expression.text, `${expression.text}: a group cannot name a file`)
        return await once(expression.text, path, async path =>
          evaluate(await options.readList(expression.path), from, path),
        )
      case 'query': {
        const source = await sourceName(expression.warehouse)
        return await once(expression.text, path, async path => {
          const found = await (await groups()).query(source, expression.query, { signal })
          if (!found)
            throw new StokerError('EXPRESSION', source, `${source} does not answer queries such as ${expression.text}`)
          return evaluate(found, source, path)
        })
      }
      default:
        throw new Error(`unknown expression: ${expression satisfies never}`)
    }
  }

  const members = (source: string, group: string, path: Path): Promise<Names> =>
    once(`@${source}:${group}`, path, async path =>
      evaluate(await (await groups()).map(source, group, { signal }), source, path),
    )

  const everyNode = (source: string, path: Path): Promise<Names> =>
    once(`@${source}:*`, path, async path => {
      const all = await (await groups()).all(source, { signal })
      return all ? await evaluate(all, source, path) : await everyMember(source, path)
    })

  /** What wildcards are matched against: all nodes, where a wildcard in the answer itself stands for nothing but its text. */
  const candidates = (source: string, path: Path): Promise<Names> =>
    once(`@${source}:* (for a wildcard)`, path, async path => {
      const all = await (await groups()).all(source, { signal })
      return all ? await evaluate(plainly(all), source, path) : await everyNode(source, path)
    })

  /** The names of a source's groups, as listed. */
  const listing = (source: string): Promise<readonly string[] | undefined> => {
    let list = lists.get(source)
    if (!list) {
      options.debug?.(`@@${source}`)
      list = groups().then(port => port.list(source, { signal }))
      lists.set(source, list)
    }
    return list
  }

  /** The same with ranges written out, in order. */
  const groupList = async (source: string): Promise<readonly string[] | undefined> => {
    const listed = await listing(source)
    if (!listed) return undefined
    const names = listed.flatMap(name => [...expandExpression(plainly(expressionOf(name)))])
    return inOrder(families(new Set(names)))
  }

  const everyMember = async (source: string, path: Path): Promise<Names> => {
    const listed = await groupList(source)
    if (!listed)
      throw new StokerError(
        'WAREHOUSE_FAILED',
        source,
        'External error: Not enough working methods (all or map + list) to get all nodes',
      )
    let all: Names = new Set()
    for (const name of listed) all = limited(all.union(await members(source, name, path)))
    return all
  }

  const groupNames = async (source: string, path: Path): Promise<Names> => {
    const listed = await listing(source)
    if (!listed) throw noListing(source)
    let all: Names = new Set()
    for (const name of listed) all = limited(all.union(await evaluate(expressionOf(name), source, path)))
    return all
  }

  return {
    /** The names of an expression. */
    names: (expression: Expression): Promise<Names> => evaluate(expression, undefined, []),
    /** All nodes of a source, the default one unless named. */
    all: async (source?: string): Promise<Names> => everyNode(await sourceName(source), []),
    /** A group's nodes. */
    members: async (source: string | undefined, group: string): Promise<Names> =>
      members(await sourceName(source), group, []),
    /** The names of a source's groups, in order; `undefined` when it cannot list them. */
    list: async (source?: string): Promise<readonly string[] | undefined> => groupList(await sourceName(source)),
    /** The groups of each node; `undefined` when the source cannot be asked so. */
    reverse: async (nodes: readonly string[], source?: string) =>
      (await groups()).reverse(await sourceName(source), nodes, { signal }),
    /** The names of all sources, the chosen or default one first. */
    async sources(): Promise<readonly string[]> {
      const { sources } = await groups()
      if (options.source === undefined) return sources
      const chosen = await sourceName(undefined)
      return [chosen, ...sources.filter(source => source !== chosen)]
    },
  }
}

/** The questions which led to one: groups, then what they hold. */
type Path = readonly string[]

/** A source which cannot list its groups was asked to. */
export const noListing = (source: string): StokerError =>
  new StokerError('WAREHOUSE_FAILED', source, `No list upcall defined for group source "${source}"`)

/** A group's name as listed: ranges and wildcards count, anything else is a name as it stands. */
const expressionOf = (name: string): Expression =>
  /[[*?]/.test(name) ? parseExpression(name) : { kind: 'names', text: name, names: [name] }

/** The expression with wildcards taken as names. */
const plainly = (expression: Expression): Expression => {
  if (expression.kind === 'operation')
    return { ...expression, left: plainly(expression.left), right: plainly(expression.right) }
  if (expression.kind !== 'wildcard') return expression
  const { pattern } = expression
  return { kind: 'names', text: pattern, names: expandPattern(parsePattern(pattern)) }
}
