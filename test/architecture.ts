/** Reads the imports and keeps the arrows of docs/architecture.md pointing one way. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { VERSION } from '../src/base/version.ts'
import { type Import, importsOf } from './fixtures/imports.ts'

const root = join(import.meta.dirname, '..')
const files = globSync('{src,warehouses,actors}/**/*.ts', { cwd: root }).sort()
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const imports = files.flatMap(file => importsOf(file, readFileSync(join(root, file), 'utf8')))
const local = imports.filter(({ to }) => /^(src|warehouses|actors)\//.test(to))
const foreign = imports.filter(one => !local.includes(one) && !one.to.startsWith('node:'))

/** What others implement, or hand over: small files of types, which rooms above and below may both name. */
const CONNECTION = 'src/connection/connection.ts'
const CONVERGENT = 'src/converge/convergent.ts'

/**
 * Which room may import which others, beside itself. A file belongs to the longest entry which its path begins with. What an
 * entry names with `.ts` is that file alone. Types count as much as code.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/nodeset': ['src/base'],
  'src/template': ['src/base'],
  'src/inventory': ['src/nodeset', 'src/base'],

  [CONNECTION]: ['src/inventory', 'src/base'],
  'src/connection': ['src/inventory', 'src/base'],
  'src/render/data': ['src/inventory', 'src/nodeset', 'src/base'],
  'src/config': ['src/connection', 'src/render/data', 'src/inventory', 'src/base'],

  [CONVERGENT]: ['src/converge/content.ts', CONNECTION, 'src/config/options-schema.ts', 'src/base'],
  'src/run': [CONVERGENT, CONNECTION, 'src/config', 'src/inventory', 'src/base'],
  'src/converge': ['src/run', 'src/connection', 'src/template', 'src/config/file-mode.ts', 'src/inventory', 'src/base'],
  'src/policy': [
    ...[
      'src/converge',
      'src/run',
      CONNECTION,
      'src/config',
      'src/template',
      'src/inventory',
      'src/nodeset',
      'src/base',
    ],
  ],
  'src/report': ['src/run', CONNECTION, 'src/inventory', 'src/nodeset', 'src/base'],
  'src/journal': ['src/report', 'src/run', 'src/inventory', 'src/base'],

  'src/render/formats': ['src/render/data', 'src/template', 'src/base'],
  'src/render/services': ['src/render/formats', 'src/render/data', 'src/config', 'src/template', 'src/base'],
  'src/render/output': ['src/render/services', 'src/render/data', 'src/config', 'src/base'],
  'src/render/run': [
    ...['src/render/output', 'src/render/services', 'src/render/data', 'src/config', 'src/inventory', 'src/base'],
  ],
  'src/render/hook': ['src/render/output', 'src/base'],

  'src/lab': ['src/base'],
  'src/shell': ['src/report', 'src/run', CONNECTION, 'src/inventory', 'src/nodeset', 'src/base'],

  'src/pulley/protocol': ['src/base'],
  'src/pulley/store': ['src/pulley/protocol', 'src/base'],
  'src/pulley/server': ['src/pulley/store', 'src/pulley/protocol', 'src/base'],
  'src/pulley/client': ['src/pulley/protocol', 'src/inventory', 'src/base'],
  'src/pulley/bundle': [
    'src/pulley/client',
    'src/pulley/protocol',
    'src/policy',
    'src/run',
    'src/inventory',
    'src/base',
  ],
  'src/pulley/agent': [
    ...['src/pulley/bundle', 'src/pulley/client', 'src/pulley/protocol', 'src/policy', 'src/converge', 'src/run'],
    ...['src/connection', 'src/inventory', 'src/base'],
  ],

  actors: ['src/converge', 'src/run', 'src/connection', 'src/config', 'src/inventory', 'src/base'],
  warehouses: [
    // Networks and DHCP options are parsed at this edge; the nodes of a VO are asked of its server.
    ...['src/render/data', 'src/pulley/client'],
    ...['src/config', 'src/inventory', 'src/nodeset', 'src/base'],
  ],

  // What third parties import.
  'src/library': [
    'src/config/options-schema.ts',
    ...['src/converge', 'src/run', CONNECTION, 'src/inventory', 'src/nodeset', 'src/base'],
  ],
  'src/cli/prompts': ['src/inventory', 'src/base'],
  'src/site': [
    ...['warehouses', 'actors', 'src/cli/prompts', 'src/connection', 'src/config', 'src/run', 'src/inventory'],
    ...['src/nodeset', 'src/base'],
  ],
  'src/commands': [
    ...['src/site', 'src/cli/prompts', 'src/shell', 'src/lab', 'src/journal', 'src/report', 'src/render', 'src/policy'],
    ...['src/converge', 'src/run', 'src/connection', 'src/config', 'src/inventory', 'src/nodeset', 'src/base'],
  ],
  'src/pulley/commands': [
    ...['src/pulley', 'src/site', 'src/report', 'src/policy', 'src/converge', 'src/run', 'src/connection'],
    ...['src/inventory', 'src/nodeset', 'src/base'],
  ],
  'src/cli': [
    ...[
      'src/commands',
      'src/pulley/commands',
      'src/pulley/client',
      'src/pulley/protocol',
      'src/site',
      'src/connection',
      'src/run',
      'src/base',
    ],
  ],
  src: ['src/cli', 'src/base'],
}

const isIn = (path: string, room: string): boolean => path === room || path.startsWith(`${room}/`)
const roomOf = (path: string): string | undefined =>
  Object.keys(ROOMS)
    .filter(room => isIn(path, room))
    .sort((a, b) => b.length - a.length)[0]
const formatImports = (wrong: readonly Import[]): readonly string[] => wrong.map(({ from, to }) => `${from} -> ${to}`)

const isAllowed = ({ from, to }: Import): boolean => {
  const room = roomOf(from)
  if (room === undefined) return false
  // A port is a room of one file: its own folder's other files may import it, and it may not import them.
  if (room === roomOf(to) || (isIn(to, room) && !room.endsWith('.ts'))) return true
  return (ROOMS[room] ?? []).some(allowed => isIn(to, allowed))
}

t.test('every import points the way of the table', async t => {
  t.strictSame(formatImports(local.filter(one => !isAllowed(one))), [])
})

t.test('the table has no arrow which nobody needs', async t => {
  const needless = Object.entries(ROOMS).flatMap(([room, allowed]) =>
    allowed
      .filter(
        to => !local.some(one => roomOf(one.from) === room && roomOf(one.from) !== roomOf(one.to) && isIn(one.to, to)),
      )
      .map(to => `${room} -> ${to}`),
  )
  t.strictSame(needless, [])
})

t.test('the table itself goes round in no circle', async t => {
  const rooms = Object.keys(ROOMS)
  const below = (room: string): readonly string[] =>
    (ROOMS[room] ?? []).flatMap(to => rooms.filter(other => other !== room && (isIn(other, to) || other === to)))
  t.strictSame(
    circles(rooms, room => below(room)),
    [],
  )
})

t.test('docs/architecture.md has the same table', async t => {
  const rows = Object.entries(ROOMS).map(([room, may]) => {
    const names = may.length === 0 ? 'nothing' : may.map(one => `\`${one}\``).join(', ')
    return `| \`${room}\` | ${names} |`
  })
  const [, table] = readFileSync(join(root, 'docs/architecture.md'), 'utf8').split('| room | may import |\n|---|---|\n')
  t.strictSame(table?.split('\n\n')[0]?.split('\n'), rows)
})

t.test('the table shows what it is meant to refuse', async t => {
  for (const [from, to] of [
    ['src/run/run-lock.ts', 'src/render/run/rollback.ts'],
    ['src/pulley/agent/link.ts', 'src/pulley/commands/publish.ts'],
    ['src/inventory/resolve.ts', 'src/run/outcome.ts'],
    ['src/nodeset/fold.ts', 'src/inventory/target.ts'],
    ['src/connection/connection.ts', 'src/connection/choose.ts'],
    ['actors/files/file.ts', 'warehouses/file.ts'],
    ['warehouses/file.ts', 'actors/files/file.ts'],
    ['src/report/report.ts', 'src/site/site.ts'],
    ['src/policy/policy.ts', 'src/commands/push/apply.ts'],
  ] as const)
    t.notOk(isAllowed({ from, to, typesOnly: true }), `${from} -> ${to}`)
})

t.test('no module needs itself, not even for its types', async t => {
  const edges = Map.groupBy(local, ({ from }) => from)
  t.strictSame(
    circles(files, file => (edges.get(file) ?? []).map(({ to }) => to)),
    [],
  )
})

t.test('only the composition root names warehouses, actors and kinds of connections', async t => {
  const concrete = /^(warehouses|actors)\/|^src\/connection\/(ssh2\/ssh|openssh\/openssh|local)\.ts$/
  const inside = /^(warehouses|actors|src\/(connection|site))\//
  t.strictSame(
    formatImports(local.filter(({ from, to, typesOnly }) => !typesOnly && concrete.test(to) && !inside.test(from))),
    [],
  )
})

t.test('pure code does no I/O', async t => {
  const pure =
    /^src\/(nodeset\/|render\/data\/|report\/text\/|inventory\/(dedup|exclude|attribute-query|target|target-set)\.ts|base\/(errors|names|mac|nearest|quote|printable)\.ts|run\/(outcome|event)\.ts)/
  const io = /^node:(?!net$|url$|util$|buffer$|crypto$|vm$)/
  t.strictSame(
    formatImports(imports.filter(({ from, to, typesOnly }) => !typesOnly && pure.test(from) && io.test(to))),
    [],
  )
})

/** What builds and tests, and is in no program. */
const TOOLS = [
  '@biomejs/biome',
  '@types/node',
  '@types/ssh2',
  'acorn',
  'acorn-walk',
  'esbuild',
  'node',
  'tap',
  'typescript',
]

t.test('each third-party package has its place, and package.json names just those', async t => {
  const places: Readonly<Record<string, RegExp>> = {
    commander: /^src\/(cli\/|pulley-agent\.ts$)/,
    diff: /^src\/base\/diff\.ts$/,
    '@hpke/core': /^src\/pulley\/protocol\/sealed\.ts$/,
    fastify: /^src\/pulley\/server\//,
    handlebars: /^src\/template\//,
    'ipaddr.js': /^src\/render\/(data|services\/dns)\//,
    undici: /^src\/pulley\/client\/client\.ts$/,
    ldapts: /^warehouses\/ldap(\.ts|\/)/,
    mysql2: /^warehouses\/mysql(\.ts|\/)|^src\/pulley\/store\/mysql\.ts$/,
    'p-limit': /^src\/run\/schedule\.ts$/,
    ssh2: /^src\/(connection|lab)\//,
    yaml: /^src\/config\//,
    // Schemas stand beside what they describe.
    zod: /^(src\/(config|policy|pulley|render\/services|run|commands\/push)|warehouses|actors)\//,
  }
  t.strictSame(formatImports(foreign.filter(({ from, to }) => !places[packageOf(to)]?.test(from))), [])
  const used = new Set(foreign.map(({ to }) => packageOf(to)))
  t.strictSame([...used, ...TOOLS].sort(), Object.keys(manifest.devDependencies).sort())
  t.notOk(manifest.dependencies, 'what runs is bundled')
})

t.test('relative imports exist, and the version is that of package.json', async t => {
  t.strictSame(formatImports(local.filter(({ to }) => !files.includes(to))), [])
  t.equal(VERSION, manifest.version)
})

t.test('no folder has more than 20 files, and the top of src has the programs alone', async t => {
  const every = globSync('{src,warehouses,actors,templates,test,bench,scripts,docs}/**/*', {
    cwd: root,
    withFileTypes: true,
  })
  const folders = Map.groupBy(
    every.filter(entry => entry.isFile()),
    ({ parentPath }) => parentPath.slice(root.length + 1),
  )
  t.strictSame(
    [...folders].flatMap(([folder, { length }]) => (length > 20 ? [`${folder}: ${length}`] : [])),
    [],
  )
  t.strictSame(
    folders
      .get('src')
      ?.map(({ name }) => name)
      .sort(),
    ['pulley-agent.ts', 'pulley.ts', 'stoker.ts'],
  )
})

const packageOf = (to: string): string =>
  to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : (to.split('/')[0] ?? '')

/** Each way which comes back to where it began. */
function circles(nodes: readonly string[], next: (node: string) => readonly string[]): readonly string[] {
  const done = new Set<string>()
  const found: string[] = []
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) found.push([...path.slice(path.indexOf(node)), node].join(' -> '))
    else if (!done.has(node)) for (const one of next(node)) visit(one, [...path, node])
    done.add(node)
  }
  for (const node of nodes) visit(node, [])
  return found
}
