/** Reads the imports and keeps the arrows of the design pointing one way. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { VERSION } from '../src/base/version.ts'

const root = join(import.meta.dirname, '..')
const files = globSync('{src,warehouses,actors}/**/*.ts', { cwd: root }).sort()
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

interface Import {
  readonly from: string
  /** A path below the root, `node:...`, or a package. */
  readonly to: string
  /** Types are gone before the program runs; they may point where code may not. */
  readonly typesOnly: boolean
}

const importsOf = (from: string): readonly Import[] => {
  const text = readFileSync(join(root, from), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const found = text.matchAll(
    /^(import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)|^import\s+'([^']+)'/gm,
  )
  return [...found].map(([, , types, named, dynamic, bare]) => {
    const to = named ?? dynamic ?? bare ?? ''
    return { from, to: to.startsWith('.') ? normalize(join(dirname(from), to)) : to, typesOnly: types !== undefined }
  })
}

const imports = files.flatMap(importsOf)
const code = imports.filter(one => !one.typesOnly)
const packageOf = (to: string): string =>
  to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : (to.split('/')[0] ?? '')
const isLocal = (to: string): boolean => /^(src|warehouses|actors)\//.test(to)
const told = (wrong: readonly Import[]): readonly string[] => wrong.map(({ from, to }) => `${from} -> ${to}`)

t.test('warehouses and actors never import each other', async t => {
  t.strictSame(told(imports.filter(({ from, to }) => from.startsWith('warehouses/') && to.startsWith('actors/'))), [])
  t.strictSame(told(imports.filter(({ from, to }) => from.startsWith('actors/') && to.startsWith('warehouses/'))), [])
})

t.test('only the composition root names warehouses, actors and kinds of connections', async t => {
  const concrete = /^(warehouses|actors)\/|^src\/connection\/(ssh|openssh|local)\.ts$/
  const inside = (from: string) => /^(warehouses|actors|src\/connection)\//.test(from)
  t.strictSame(
    told(code.filter(({ from, to }) => concrete.test(to) && !inside(from) && !/^src\/(wire|built-in)\.ts$/.test(from))),
    [],
  )
})

t.test('only programs import commands, only commands and the command line import the composition root', async t => {
  t.strictSame(
    told(
      imports.filter(
        ({ from, to }) =>
          /^src\/(pulley\/)?commands\//.test(to) &&
          !/^src\/(pulley\/)?(commands\/|cli\.ts|(agent-)?program\.ts|program\/)/.test(from),
      ),
    ),
    [],
  )
  t.strictSame(
    told(
      code.filter(
        ({ from, to }) => to === 'src/site/site.ts' && !/^src\/(commands|pulley\/(commands|program))/.test(from),
      ),
    ),
    [],
  )
})

t.test('node sets are a library of their own', async t => {
  const allowed = /^src\/(nodeset\/|errors\.ts|names\.ts|abortable\.ts)|^node:vm$/
  t.strictSame(told(imports.filter(({ from, to }) => from.startsWith('src/nodeset/') && !allowed.test(to))), [])
})

t.test('pure code does no I/O', async t => {
  const pure =
    /^src\/(nodeset\/|dedup|exclude|nearest|names|outcome|event|target|errors|attribute-query|report\/(tally|mask|details|duration|harmless)\b)/
  const io = /^node:(?!net$|util$|crypto$|vm$)/
  t.strictSame(told(code.filter(({ from, to }) => pure.test(from) && io.test(to))), [])
})

t.test('each third-party package has its place, and package.json names just those', async t => {
  const places: Readonly<Record<string, RegExp>> = {
    commander:
      /^src\/(pulley\/)?(agent-)?program\.ts$|^src\/pulley-agent\.ts$|^src\/(pulley\/arguments\.ts$|program\/)/,
    diff: /^src\/diff\.ts$/,
    '@hpke/core': /^src\/pulley\/protocol\/sealed\.ts$/,
    esbuild: /^src\/build\.ts$/,
    fastify: /^src\/pulley\/server\//,
    handlebars: /^src\/template\//,
    'ipaddr.js': /^src\/render\//,
    undici: /^src\/pulley\/client\.ts$/,
    ldapts: /^warehouses\/ldap(\.ts|\/)/,
    mysql2: /^warehouses\/mysql(\.ts|\/)|^src\/pulley\/store\/mysql\.ts$/,
    'p-limit': /^src\/schedule\.ts$/,
    ssh2: /^src\/(connection|lab)\//,
    yaml: /^src\/config\//,
    // Schemas stand beside what they describe.
    zod: /^(src\/(config|cache|policy|pulley|render\/services)|warehouses|actors)\/|^src\/(options|convergent)\.ts$/,
  }
  const foreign = imports.filter(({ to }) => !isLocal(to) && !to.startsWith('node:'))
  t.strictSame(told(foreign.filter(({ from, to }) => !places[packageOf(to)]?.test(from))), [])
  const used = new Set(foreign.map(({ to }) => packageOf(to)))
  // It bundles, and is not there when the program runs.
  used.delete('esbuild')
  t.strictSame([...used].sort(), Object.keys(manifest.dependencies).sort())
})

t.test('no module needs itself', async t => {
  const edges = new Map(
    files.map(file => [file, code.filter(({ from, to }) => from === file && isLocal(to)).map(({ to }) => to)]),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    else if (!done.has(file)) for (const next of edges.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  t.strictSame(cycles, [])
})

t.test('relative imports exist, and the version is that of package.json', async t => {
  t.strictSame(told(imports.filter(({ to }) => isLocal(to) && !files.includes(to))), [])
  t.equal(VERSION, manifest.version)
})
