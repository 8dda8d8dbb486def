/** Small changes of a source text, each of which a test should notice. Pure. */
import { stripTypeScriptTypes } from 'node:module'
import { type AnyNode, parse } from 'acorn'

/** One change: the text from `start` to `end` becomes `to`. */
export interface Mutant {
  readonly start: number
  readonly end: number
  readonly line: number
  readonly from: string
  readonly to: string
}

/** Words of which each becomes the other. */
const pairs = (text: string): readonly (readonly [string, string])[] =>
  text.split(/\s*,\s*/).flatMap(pair => {
    const [one = '', other = ''] = pair.split(' ')
    return [[one, other] as const, [other, one] as const]
  })

/** What becomes of an operator. */
const OPERATORS = new Map<string, string>([
  ...pairs('=== !==, < <=, > >=, + -, * /, << >>, & |, += -=, *= /=, && ||'),
  ['%', '*'],
  ['??=', '='],
  ['||=', '='],
])

/** Methods which promise the opposite, or a bit less. */
const METHODS = new Map(
  pairs('some every, min max, startsWith endsWith, indexOf lastIndexOf, find findLast, ceil floor, unshift push'),
)

const OPTIONS = { ecmaVersion: 'latest', sourceType: 'module' } as const

/** Calls of these are left out: what they were called on stays. */
const LEFT_OUT = new Set(['filter', 'sort', 'toSorted', 'reverse', 'toReversed', 'trim', 'toLowerCase', 'slice'])

/**
 * The changes which can be made in a TypeScript source, in its order. Types, comments and texts are left alone; but where texts
 * are said to be scripts of a shell, one which has several commands loses one of them at a time.
 */
export const mutantsOf = (source: string, scripts = false): readonly Mutant[] => {
  // Types become blanks, so that places in the rest are places in the source.
  const code = stripTypeScriptTypes(source)
  const program = parse(code, OPTIONS)
  const mutants: Omit<Mutant, 'line' | 'from'>[] = []
  const put = (start: number, end: number, to: string) => mutants.push({ start, end, to })
  const cut = (start: number, length: number) => put(start, start + length, '')
  const textOf = ({ start, end }: AnyNode) => source.slice(start, end)
  /** Where a node ends with the type that follows, as in `x as Y`. */
  const endOf = ({ end }: AnyNode) => {
    const blank = /^\s*/.exec(code.slice(end))?.[0].length ?? 0
    return end + source.slice(end, end + blank).trimEnd().length
  }
  const replace = (node: AnyNode, to: string) => put(node.start, endOf(node), to)
  // An empty statement stands for it, as in `if (x) return`.
  const drop = (node: AnyNode) => replace(node, ';')
  /** The place of a token which follows the node: brackets and types may be in between. */
  const after = (node: AnyNode, token: string) => code.indexOf(token, node.end)
  const operator = (left: AnyNode, name: string) => {
    const to = OPERATORS.get(name)
    const start = after(left, name)
    if (to !== undefined) put(start, start + name.length, to)
  }

  const visit = (node: AnyNode, parent: AnyNode | undefined): void => {
    switch (node.type) {
      case 'BinaryExpression':
      case 'AssignmentExpression':
        operator(node.left, node.operator)
        break
      case 'LogicalExpression':
        if (node.operator === '??') put(after(node.left, '??'), endOf(node), '')
        else operator(node.left, node.operator)
        break
      case 'UnaryExpression':
        if (node.operator === '!' || node.operator === '-') cut(node.start, 1)
        break
      case 'UpdateExpression':
        put(
          node.start,
          node.end,
          node.operator === '++' ? textOf(node).replace('++', '--') : textOf(node).replace('--', '++'),
        )
        break
      case 'Literal':
        // An abort comes once anyhow: that its listener leaves then is tidiness.
        if (parent?.type === 'Property' && textOf(parent) === 'once: true') break
        if (typeof node.value === 'boolean') replace(node, String(!node.value))
        else if (typeof node.value === 'number') replace(node, String(node.value + 1))
        else if (node.regex) for (const [at, length] of anchors(node.regex.pattern)) cut(node.start + 1 + at, length)
        else if (typeof node.value === 'string' && scripts) shell(node, 1)
        break
      case 'TemplateElement':
        if (scripts) shell(node, 0)
        break
      case 'ConditionalExpression':
      case 'IfStatement':
        for (const to of ['true', 'false']) replace(node.test, to)
        break
      case 'WhileStatement':
        replace(node.test, 'false')
        break
      case 'ThrowStatement':
        // The compiler knows that nothing leads there.
        if (!textOf(node).includes('satisfies never')) drop(node)
        break
      case 'ExpressionStatement':
      case 'BreakStatement':
      case 'ContinueStatement':
        drop(node)
        break
      case 'ReturnStatement':
        // The last one is the function's answer; without it nothing works.
        if (parent?.type !== 'BlockStatement' || parent.body.at(-1) !== node || !node.argument) drop(node)
        break
      case 'MemberExpression':
        if (node.optional) put(after(node.object, '?.'), after(node.object, '?.') + 2, node.computed ? '' : '.')
        if (parent?.type === 'CallExpression' && parent.callee === node) method(node, parent)
        break
      case 'ArrowFunctionExpression':
        if (node.body.type === 'LogicalExpression') for (const to of ['true', 'false']) replace(node.body, to)
        break
      default:
    }
    for (const child of childrenOf(node)) visit(child, node)
  }

  const method = (callee: AnyNode & { type: 'MemberExpression' }, call: AnyNode) => {
    const name = textOf(callee.property)
    const to = METHODS.get(name)
    if (to !== undefined) put(callee.property.start, callee.property.end, to)
    if (LEFT_OUT.has(name)) put(after(callee.object, callee.optional ? '?.' : '.'), endOf(call), '')
  }
  const shell = ({ start, end }: AnyNode, quote: number) => {
    const text = source.slice(start + quote, end - quote)
    if (!/; \S/.test(text)) return
    for (const { 0: command, index } of text.matchAll(/[^;]+;(?: |$)/g)) cut(start + quote + index, command.length)
    for (const { 0: found, index } of text.matchAll(/&&|\|\|/g))
      put(start + quote + index, start + quote + index + 2, OPERATORS.get(found) as string)
  }

  visit(program, undefined)
  // What does not even parse would be noticed by anybody.
  for (const one of mutants) parse(stripTypeScriptTypes(mutated(source, one)), OPTIONS)
  return mutants
    .toSorted((a, b) => a.start - b.start || a.end - b.end)
    .map(one => ({
      ...one,
      from: source.slice(one.start, one.end),
      line: source.slice(0, one.start).split('\n').length,
    }))
    .filter(({ from, to }) => from !== to)
}

/** The source with the change. */
export const mutated = (source: string, { start, end, to }: Pick<Mutant, 'start' | 'end' | 'to'>): string =>
  source.slice(0, start) + to + source.slice(end)

const childrenOf = (node: AnyNode): readonly AnyNode[] =>
  Object.values(node)
    .flat()
    .filter((value): value is AnyNode => typeof value?.type === 'string')

/** Where a pattern's anchors stand: outside of a set, and not as a letter. */
const anchors = (pattern: string): readonly (readonly [number, number])[] =>
  [...pattern.matchAll(/\\.|\[(?:\\.|[^\]])*\]|[$^]/g)]
    .filter(({ 0: found }) => found === '^' || found === '$')
    .map(({ index }) => [index, 1])
