/** Reads the tests, and keeps out what cannot fail, what cannot be had again, and what depends on how fast the machine is. */
import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { type AnyNode, parse } from 'acorn'
import { simple } from 'acorn-walk'
import t from 'tap'
import { LONGEST, testFiles, tierOf } from '../scripts/test-tiers.ts'

// Node says of its own stripping of types that it is an experiment.
process.removeAllListeners('warning')

const root = join(import.meta.dirname, '..')
const files = globSync('test/**/*.ts', { cwd: root }).sort()
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

/** The places of a pattern's parts which fit everything: `{}`, `[]`, `''` and the like, wherever they stand in it. */
const fitsAll = (pattern: AnyNode | null | undefined): readonly number[] => {
  switch (pattern?.type) {
    case 'ObjectExpression':
      if (pattern.properties.length === 0) return [pattern.start]
      return pattern.properties.flatMap(one => fitsAll(one.type === 'Property' ? one.value : one.argument))
    case 'ArrayExpression':
      return pattern.elements.length === 0 ? [pattern.start] : pattern.elements.flatMap(fitsAll)
    case 'ConditionalExpression':
      return [...fitsAll(pattern.consequent), ...fitsAll(pattern.alternate)]
    case 'Literal':
      return pattern.value === '' || /^(\^?\.\*\$?|\^|\$|)$/.test(pattern.regex?.pattern ?? 'x') ? [pattern.start] : []
    default:
      return []
  }
}

/** `file:line` of each pattern of `t.match`, `t.rejects` or `t.throws` a part of which fits everything. */
const emptyPatterns = (file: string, text: string): readonly string[] => {
  // Types become blanks: all else stays where it was.
  const tree = parse(stripTypeScriptTypes(text), { ecmaVersion: 'latest', sourceType: 'module' })
  const found: number[] = []
  simple(tree, {
    CallExpression({ callee, arguments: [, pattern] }) {
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return
      if (['match', 'rejects', 'throws'].includes(callee.property.name)) found.push(...fitsAll(pattern))
    },
  })
  return found.map(offset => `${file}:${text.slice(0, offset).split('\n').length}`)
}

/** `file:line` of each line which matches. */
const linesWith = (pattern: RegExp, among: readonly string[]): readonly string[] =>
  among.flatMap(file =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  )

const others = files.filter(file => file !== 'test/conventions.ts')
const outside = (...fixtures: readonly string[]) => others.filter(file => !fixtures.includes(file))

t.test('no pattern fits everything', async t => {
  t.strictSame(emptyPatterns('x', "t.match(\n  a,\n  { b: [{ c: [] }] })\nt.match(a, /^.*$/)\nt.rejects(a, '')"), [
    'x:3',
    'x:4',
    'x:5',
  ])
  t.strictSame(emptyPatterns('x', "t.match(a, [/^$/, { length: 0 }, ''.at(0)])\nf('', {})"), [])
  t.strictSame(
    files.flatMap(file => emptyPatterns(file, textOf(file))),
    [],
  )
})

t.test('what is compared is compared strictly', async t => {
  t.strictSame(linesWith(/\.(same|notSame)\(/, others), [])
})

t.test('chance comes from the one source whose seed is printed', async t => {
  t.strictSame(linesWith(/Math\.random/, outside('test/fixtures/seeded.ts')), [])
})

t.test('no test asserts how long something takes by the clock', async t => {
  t.strictSame(
    linesWith(/performance\.now|hrtime|console\.time/, outside('test/fixtures/until.ts', 'test/fixtures/stall.ts')),
    [],
  )
  t.strictSame(linesWith(/\bt\.\w+\(.*Date\.now/, others), [])
})

t.test('each tier has tests, and what begins first is there', async t => {
  const tiers = Map.groupBy(testFiles(), tierOf)
  t.ok((tiers.get('unit')?.length ?? 0) > 100)
  t.ok((tiers.get('integration')?.length ?? 0) > 50)
  t.strictSame(
    LONGEST.filter(file => tierOf(file) !== 'integration'),
    [],
  )
})
