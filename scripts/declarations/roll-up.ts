/** Rolls declaration files up: what the entries export, and all that it needs, in one file beside them. Pure. */
import { join, posix } from 'node:path'
import { type Declaration, type Module, parseModule } from './module.ts'

/** What is made: texts of declaration files, by their names without `.d.ts`. */
export type RolledUp = ReadonlyMap<string, string>

/** The file which the entries share: a type which two of them have is one type, also where it is a nominal one. */
export const SHARED = 'declarations'

interface Found {
  readonly module: string
  readonly declaration: Declaration
}

/**
 * `read` gives the text of a declaration file by its path without ending; `entries` are such paths. Each becomes a file
 * of the same last name. Throws when two declarations which are needed have one name, or come from a package.
 */
export const rollUp = (entries: readonly string[], read: (path: string) => string): RolledUp => {
  const modules = new Map<string, Module>()
  const moduleAt = (path: string): Module => {
    const module = modules.get(path) ?? parseModule(read(path))
    modules.set(path, module)
    return module
  }
  const kept = new Map<string, Found>()
  const keep = (found: Found): void => {
    const { declaration, module } = found
    const other = kept.get(declaration.name)
    if (other && other.module !== module)
      throw new Error(`two declarations are called ${declaration.name}: in ${other.module} and in ${module}`)
    if (other) return
    kept.set(declaration.name, found)
    for (const word of declaration.words) {
      const next = find(moduleAt, module, word)
      if (next) keep(next)
    }
  }
  const files = entries.map(entry => {
    const names = [...exported(moduleAt, entry)].sort()
    for (const name of names) {
      const found = find(moduleAt, entry, name)
      if (!found) throw new Error(`${entry} exports ${name}, which is nowhere`)
      keep(found)
    }
    return [posix.basename(entry), `export { ${names.join(', ')} } from './${SHARED}.js';\n`] as const
  })
  const texts = [...kept.values()].map(({ declaration: { text } }) =>
    text.replace(/^(?=(declare|interface|type) )/m, 'export '),
  )
  return new Map([...files, [SHARED, `${texts.join('\n')}\n`]])
}

/** All names which a module exports. */
const exported = (moduleAt: (path: string) => Module, path: string): ReadonlySet<string> => {
  const { declarations, exports, stars } = moduleAt(path)
  const own = [...declarations.values()].filter(one => one.exported)
  const names = new Set([...own, ...exports].map(({ name }) => name))
  for (const from of stars) for (const name of exported(moduleAt, pathOf(path, from))) names.add(name)
  return names
}

/** What a name means within a module; `undefined` for the names of the language. */
const find = (moduleAt: (path: string) => Module, path: string, name: string): Found | undefined => {
  const { declarations, imports, exports, stars } = moduleAt(path)
  const declaration = declarations.get(name)
  if (declaration) return { module: path, declaration }
  const link = [...imports, ...exports].find(one => one.name === name)
  if (link) return find(moduleAt, pathOf(path, link.from), name)
  for (const from of stars) {
    const found = find(moduleAt, pathOf(path, from), name)
    if (found) return found
  }
  return undefined
}

const pathOf = (path: string, from: string): string => {
  if (!from.startsWith('.')) throw new Error(`${path} needs the types of ${from}`)
  return join(posix.dirname(path), from.replace(/\.ts$/, ''))
}
