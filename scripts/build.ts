/**
 * Makes the programs of the package, bundled with all that they need: `npm run build`. One which reads a few large files
 * starts a fifth sooner than one which looks for hundreds of small ones. Only a development tree can do that.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'

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
const ENTRIES = ['stoker', 'pulley', 'run/actor', 'inventory/warehouse', 'base/errors', 'base/names', 'nodeset/index']

/** Bundles the programs, and `more` files of the tree; `out` is the folder to write to. */
export const buildPrograms = async (out: string, more: readonly string[] = []): Promise<void> => {
  await rm(join(out, 'chunks'), { recursive: true, force: true })
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: [...ENTRIES.map(name => `src/${name}.ts`), ...more].map(path => join(ROOT, path)),
    ...{ outdir: out, outbase: ROOT, splitting: true, chunkNames: 'chunks/[name]-[hash]' },
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

if (import.meta.main) {
  await buildPrograms(join(ROOT, 'dist'))
  await buildAgent(join(ROOT, 'dist/pulley-agent.mjs'))
}
