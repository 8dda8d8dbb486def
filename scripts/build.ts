/**
 * Makes what the package has in `dist`: `npm run build`. The programs are bundled with all that they need: nothing has to be
 * installed beside them, and one which reads a few large files starts a fifth sooner than one which looks for hundreds of
 * small ones. Only a development tree can do that.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { LIBRARY } from '../src/site/load-code.ts'
import { buildDeclarations } from './declarations/build.ts'
import { manuals } from './manuals.ts'

const ROOT = join(import.meta.dirname, '..')

const OPTIONS = {
  ...{ bundle: true, platform: 'node', format: 'esm', target: 'node24', legalComments: 'none', logLevel: 'error' },
  // Some packages are CommonJS: they ask for Node's own modules in its way, and ssh2 for the folder of its code.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url), __dirname = import.meta.dirname;',
  },
  absWorkingDir: ROOT,
  metafile: true,
} as const satisfies BuildOptions

/** The programs, and what is imported by warehouses and actors of others; what they share is shared code. */
const ENTRIES = ['stoker', 'pulley', ...LIBRARY.map(name => `library/${name}`)]

/** Makes all of it; `out` is the folder to write to, and what was in it is gone. */
export const buildPackage = async (out: string): Promise<void> => {
  await rm(out, { recursive: true, force: true })
  await buildPrograms(out)
  await buildAgent(join(out, 'pulley-agent.mjs'))
  await buildDeclarations(join(out, 'library'))
  await mkdir(join(out, 'man'))
  for (const [name, page] of manuals()) await writeFile(join(out, 'man', name), page)
}

/** Bundles the programs, and `more` files of the tree, which keep their paths; `out` is the folder to write to. */
export const buildPrograms = async (out: string, more: readonly string[] = []): Promise<void> => {
  await rm(join(out, 'chunks'), { recursive: true, force: true })
  const entryPoints = [
    ...ENTRIES.map(name => ({ in: join(ROOT, `src/${name}.ts`), out: name })),
    ...more.map(path => ({ in: join(ROOT, path), out: path.replace(/\.ts$/, '') })),
  ]
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints,
    ...{ outdir: out, splitting: true, chunkNames: 'chunks/[name]-[hash]' },
    // Native code which ssh2 can use where somebody has compiled it, and does without.
    external: ['cpu-features', '*.node'],
  })
  await writeFile(join(out, 'LICENSES.txt'), await licences(metafile))
}

/** Bundles the agent into one file, for machines which have no more than Node; `out` is the file to write. */
export const buildAgent = async (out: string): Promise<void> => {
  await build({ ...OPTIONS, entryPoints: [join(ROOT, 'src/pulley-agent.ts')], outfile: out, minify: true })
}

/** The licences of all packages which were bundled. */
const licences = async ({ inputs }: Metafile): Promise<string> => {
  const packages = Object.keys(inputs).flatMap(path => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  const texts = [...new Set(packages)].sort().map(async name => {
    const folder = join(ROOT, 'node_modules', name)
    const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const file = (await readdir(folder)).find(one => /^licen[cs]e/i.test(one))
    return `${name} ${version} (${license})\n\n${file ? await readFile(join(folder, file), 'utf8') : ''}`
  })
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n`)
}

if (import.meta.main) await buildPackage(join(ROOT, 'dist'))
