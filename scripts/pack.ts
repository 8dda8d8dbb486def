/** Packs the package as it is published, built anew in a folder of its own: nothing which lies about in `dist` gets in. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildPackage } from './build.ts'

const ROOT = join(import.meta.dirname, '..')

/** What npm takes without being told, beside the manifest. */
const ALWAYS = ['README.md', 'LICENSE']

/** What of the manifest is for those who work on the tree. */
const OF_THE_TREE = new Set(['scripts', 'devDependencies', 'allowScripts'])

interface Manifest {
  readonly files: readonly string[]
}

/** Puts the tarball into the folder `out`, and returns its path. */
export const pack = async (out: string): Promise<string> => {
  await using stage = await mkdtempDisposable(join(tmpdir(), 'stoker-pack-'))
  const manifest: Manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  for (const name of [...ALWAYS, ...manifest.files.filter(one => one !== 'dist')])
    await cp(join(ROOT, name), join(stage.path, name), { recursive: true })
  const published = Object.fromEntries(Object.entries(manifest).filter(([key]) => !OF_THE_TREE.has(key)))
  await writeFile(join(stage.path, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  await buildPackage(join(stage.path, 'dist'))
  await mkdir(out, { recursive: true })
  const words = ['pack', '--json', '--pack-destination', out]
  const { stdout } = await promisify(execFile)('npm', words, { cwd: stage.path })
  const [{ filename }] = JSON.parse(stdout)
  return join(out, filename)
}
