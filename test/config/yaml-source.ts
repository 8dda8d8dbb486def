import t from 'tap'
import { formatPath, parseYaml } from '../../src/config/yaml-source.ts'

const TEXT = `warehouses:
  - kind: file
    name: site
nodes: {web1: {port: 22}, "a b": }
list:
  -   x
  - {y: [1, 2]}
`

t.test('values are plain data', async t => {
  t.strictSame(parseYaml(TEXT, 'f.yaml').value, {
    warehouses: [{ kind: 'file', name: 'site' }],
    nodes: { web1: { port: 22 }, 'a b': null },
    list: ['x', { y: [1, 2] }],
  })
  t.equal(parseYaml('', 'f.yaml').value, null, 'an empty file')
  t.equal(parseYaml('# nothing\n', 'f.yaml').value, null, 'only a comment')
  t.strictSame(parseYaml('a: &x {b: 1}\nc: *x\n', 'f.yaml').value, { a: { b: 1 }, c: { b: 1 } }, 'an alias')
})

t.test('keys keep the text which stands in the file', async t => {
  const keys = Object.keys(parseYaml('1e3: a\n007: b\n0x10: c\ntrue: d\n~: e\n"q\\t": f\n', 'f.yaml').value as object)
  t.strictSame(keys.sort(), ['007', '0x10', '1e3', 'q\t', 'true', '~'])
})

t.test('every path has a place; a missing one has that of what encloses it', async t => {
  const source = parseYaml(TEXT, 'dir/f.yaml')
  const table = [
    [[], 'value', '1:1'],
    [['warehouses', 0, 'kind'], 'value', '2:11'],
    [['warehouses', 0, 'kind'], 'key', '2:5'],
    [['warehouses', 0], 'value', '2:5'],
    [['warehouses', 0, 'path'], 'value', '2:5'],
    [['warehouses', 7], 'value', '2:3'],
    [['nodes', 'web1', 'port'], 'value', '4:22'],
    [['nodes', 'a b'], 'key', '4:27'],
    [['list', 1, 'y', 1], 'value', '7:13'],
    [['nodes', 'web1', 'port', 'deeper', 3], 'value', '4:22'],
  ] as const
  for (const [path, on, place] of table)
    t.equal(source.formatLocation(path, on), `dir/f.yaml:${place}`, formatPath(path))
})

t.test('an error has place, path and message, and the path as its subject', async t => {
  const error = parseYaml(TEXT, 'f.yaml').error(['warehouses', 0, 'kind'], 'is odd', { on: 'key' })
  t.match(error, { code: 'CONFIG', subject: 'warehouses[0].kind', message: 'f.yaml:2:5: warehouses[0].kind: is odd' })
  t.match(parseYaml('x', 'f.yaml').error([], 'is odd'), { subject: 'f.yaml', message: 'f.yaml:1:1: is odd' })
})

t.test('paths are written as people write them', async t => {
  t.equal(formatPath(['nodes', 'web[1-4]', 'macs', 0]), 'nodes.web[1-4].macs[0]')
  t.equal(formatPath(['nodes', 'web1.example.org', 'port']), 'nodes."web1.example.org".port')
  t.equal(formatPath(['\u001b[2J']), '"\\u001b[2J"', 'and do a terminal no harm')
})

const bomb = (levels: number): string => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i <= levels; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    )
  return lines.join('\n')
}

t.test('broken YAML is refused with its place, and what to try', async t => {
  const table = [
    ['a: [', /^f\.yaml:1:5: .*must be sufficiently indented and end with a \]/],
    ['a: 1\n\tb: 2', /^f\.yaml:2:\d: /],
    ['a: "x', /^f\.yaml:1:\d: missing closing "quote/],
    ['a: b: c', /^f\.yaml:1:4: nested mappings are not allowed/],
    ['a: 1\n---\nb: 2', /^f\.yaml:2:1: .*documents/],
    ['a: 1\nb: 2\na: 3', /^f\.yaml:3:1: "a" stands here twice; first at f\.yaml:1:1$/],
    ['x: {y: 1, y: 2}', /^f\.yaml:1:11: "y" stands here twice; first at f\.yaml:1:5$/],
    ['a: !web', /^f\.yaml:1:4: text which starts with ! needs quotes/],
    ['a: !!binary aGVsbG8=', /^f\.yaml:1:4: /],
    ['a: !!js/function x', /^f\.yaml:1:4: /],
    ['a: @web', /^f\.yaml:1:4: text which starts with @ needs quotes/],
    ['a: *web', /^f\.yaml:1:4: there is no anchor &web/],
    ['a: *', /^f\.yaml:1:4: text which starts with \* needs quotes/],
    ['n: {web1: {address: 10.0.0.[1-4]}}', /^f\.yaml:1:28: text with brackets needs quotes inside \{ \}/],
    ['{web[1-4]: 1}', /^f\.yaml:1:5: text with brackets needs quotes inside \{ \}/],
    ['? [a]\n: 1', /^f\.yaml:1:3: a key must be plain text/],
    ['__proto__: {x: 1}', /^f\.yaml:1:1: __proto__ cannot be a key/],
    ['a: &x [*x]', /^f\.yaml:1:\d+: nested more than 100 deep/],
    ['['.repeat(5000), /^f\.yaml:1:\d+: nested too deep/],
    [`a: ${'['.repeat(200)}${']'.repeat(200)}`, /^f\.yaml:1:\d+: nested more than 100 deep/],
    [bomb(9), /^f\.yaml:\d+:\d+: aliases make this file grow beyond measure/],
  ] as const
  for (const [text, message] of table)
    t.throws(() => parseYaml(text, 'f.yaml'), { name: 'StokerError', code: 'CONFIG', message }, text.slice(0, 40))
})
