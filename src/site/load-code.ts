/** Third parties' warehouses and actors: one file, named by path or package in the configuration. */
import { createRequire, registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StokerError } from '../base/errors.ts'
import { moduleFile } from '../base/package-paths.ts'
import type { CodeName } from '../config/config.ts'

/** What third parties import from us: the `exports` of package.json, each a module of `src/library`. */
export const LIBRARY = ['actor', 'convergent', 'errors', 'names', 'nodeset', 'warehouse'] as const

/** The package's name, and the short one, which files use that are never installed as packages. */
const OURS: ReadonlyMap<string, string> = new Map(
  ['@stoker-pulley/stoker', 'stoker'].flatMap(name =>
    LIBRARY.map(entry => [`${name}/${entry}`, `library/${entry}`] as const),
  ),
)

let hooked = false

/** Lets these names mean this very program wherever the importing file lies: it need not be installed beside it. */
const hook = (): void => {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve(specifier, context, next) {
      const ours = OURS.get(specifier)
      if (ours === undefined) return next(specifier, context)
      return { url: pathToFileURL(moduleFile(ours)).href, shortCircuit: true }
    },
  })
}

/**
 * What the module exports under `name`. A package is looked for from `folder`, that of the configuration. Throws `CONFIG`
 * when it cannot be loaded or exports nothing of that name.
 */
export const loadCode = async (code: CodeName, name: 'warehouse' | 'actor', folder: string): Promise<unknown> => {
  const what = code.kind === 'path' ? code.path : code.name
  hook()
  let module: Readonly<Record<string, unknown>>
  try {
    const path = code.kind === 'path' ? code.path : createRequire(join(folder, 'stoker.yaml')).resolve(code.name)
    module = await import(pathToFileURL(path).href)
  } catch (cause) {
    const [reason = ''] = (cause as Error).message.split('\n')
    throw new StokerError('CONFIG', what, `cannot load ${what}: ${reason}`, { cause })
  }
  if (module[name] !== undefined) return module[name]
  const exported = Object.keys(module).join(', ') || 'nothing'
  throw new StokerError('CONFIG', what, `${what} exports no "${name}" (it exports ${exported})`)
}
