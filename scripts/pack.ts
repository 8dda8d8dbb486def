/** Packs the package as it is published, built anew in a folder of its own: nothing which lies about in `dist` gets in. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildPackage } from './build.ts'

const ROOT = join(import.meta.dirname, '..')

/** What npm takes without being told. */
const ALWAYS = ['package.json', 'README.md', 'LICENSE']

/** Puts the tarball into the folder `out`, and returns its path. */
export const pack = async (out: string): Promise<string> => {
  await using stage = await mkdtempDisposable(join(tmpdir(), 'stoker-pack-'))
  const { files } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    readonly files: readonly string[]
  }
  for (const name of [...ALWAYS, ...files.filter(one => one !== 'dist')])
    await cp(join(ROOT, name), join(stage.path, name), { recursive: true })
  await buildPackage(join(stage.path, 'dist'))
  await mkdir(out, { recursive: true })
  // What would run is `prepare`, which builds.
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', out]
  const { stdout } = await promisify(execFile)('npm', words, { cwd: stage.path })
  const [{ filename }] = JSON.parse(stdout)
  return join(out, filename)
}
