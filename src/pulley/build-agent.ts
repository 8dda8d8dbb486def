/** Bundles the agent into one file, for machines which have no more than Node: `npm run build:agent`. */
import { join } from 'node:path'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '../..')

/** Bundles `src/pulley-agent.ts`; `out` is the file to write. Only a development tree can do that. */
export const buildAgent = async (out: string): Promise<void> => {
  await build({
    entryPoints: [join(ROOT, 'src/pulley-agent.ts')],
    outfile: out,
    ...{ bundle: true, minify: true, platform: 'node', format: 'esm', target: 'node24', legalComments: 'external' },
    // Some packages in it are CommonJS, and ask for Node's own modules in its way.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: 'error',
  })
}

if (import.meta.main) await buildAgent(join(ROOT, 'dist/pulley-agent.mjs'))
