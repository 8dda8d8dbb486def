/** What is measured: the program as it is published, bundled, and the bare loop made the same way. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildPrograms } from '../../scripts/build.ts'

const ROOT = join(import.meta.dirname, '../..')
// Inside node_modules packages are found, and neither git nor npm looks there.
const OUT = join(ROOT, 'node_modules/.cache/stoker-bench')

/** Absolute paths of what was built. */
export interface Built {
  readonly stoker: string
  readonly pulley: string
  readonly bare: string
  /** A cache folder which nobody else uses; empty. */
  readonly cache: string
}

/** Builds all of it anew. */
export const build = async (): Promise<Built> => {
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT, { recursive: true })
  writeFileSync(join(OUT, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(ROOT, 'templates'), join(OUT, 'templates'))
  const dist = join(OUT, 'dist')
  await buildPrograms(dist, ['bench/push/bare-ssh2.ts'])
  return {
    stoker: join(dist, 'stoker.js'),
    pulley: join(dist, 'pulley.js'),
    bare: join(dist, 'bench/push/bare-ssh2.js'),
    cache: join(OUT, 'cache'),
  }
}
