/** Writes the declarations of what third parties import: part of `npm run build`. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LIBRARY } from '../../src/site/load-code.ts'
import { rollUp } from './roll-up.ts'

const ROOT = join(import.meta.dirname, '../..')
/** The compiler, for `node` to run. */
export const TSC = join(ROOT, 'node_modules/typescript/lib/tsc.js')

/** `out` is the folder of `errors.js` and its like. Throws what the compiler says. */
export const buildDeclarations = async (out: string): Promise<void> => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-declarations-'))
  const words = ['-p', join(ROOT, 'scripts/tsconfig.build.json'), '--outDir', folder.path]
  await promisify(execFile)(process.execPath, [TSC, ...words]).catch(thrown => {
    throw new Error(`no declarations:\n${thrown.stdout}`, { cause: thrown })
  })
  const entries = LIBRARY.map(name => `library/${name}`)
  const made = rollUp(entries, path => readFileSync(join(folder.path, `${path}.d.ts`), 'utf8'))
  await mkdir(out, { recursive: true })
  for (const [name, text] of made) await writeFile(join(out, `${name}.d.ts`), text)
}
