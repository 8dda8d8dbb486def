/** What is measured: the program as it is published, JavaScript and not TypeScript, and the bare loop made the same way. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
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

/** Builds all of it anew. Throws when the compiler has anything to say; it says it itself. */
export const build = (): Built => {
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT, { recursive: true })
  writeFileSync(join(OUT, 'package.json'), '{ "type": "module" }\n')
  for (const config of ['src/tsconfig.build.json', 'bench/tsconfig.build.json']) {
    const { status } = spawnSync('tsc', ['-p', join(ROOT, config), '--outDir', OUT], { stdio: ['ignore', 2, 2] })
    if (status !== 0) throw new Error(`${config} cannot be built: without it there is nothing to measure`)
  }
  return {
    stoker: join(OUT, 'src/stoker.js'),
    pulley: join(OUT, 'src/pulley.js'),
    bare: join(OUT, 'bench/bare-ssh2.js'),
    cache: join(OUT, 'cache'),
  }
}
