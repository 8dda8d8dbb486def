import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { StokerError } from '../../src/base/errors.ts'
import { LIBRARY, loadCode } from '../../src/site/load-code.ts'

t.test('what third parties may import is what package.json exports', async t => {
  const { exports } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
  t.strictSame(Object.keys(exports), [...LIBRARY.map(name => `./${name}`), './package.json'])
})

t.test(
  'each name is this very program, under the package’s name and the short one, wherever the file lies',
  async t => {
    const lines = LIBRARY.flatMap(name => [
      `import * as scoped_${name} from '@stoker-pulley/stoker/${name}'`,
      `import * as short_${name} from 'stoker/${name}'`,
    ])
    const modules = LIBRARY.map(name => `${name}: [scoped_${name}, short_${name}]`)
    const folder = t.testdir({ 'mine.mjs': `${lines.join('\n')}\nexport const actor = { ${modules.join(', ')} }\n` })
    const found = (await loadCode({ kind: 'path', path: join(folder, 'mine.mjs') }, 'actor', folder)) as Readonly<
      Record<string, readonly [object, object]>
    >
    for (const name of LIBRARY) {
      const [scoped, short] = found[name] ?? []
      t.type(scoped, 'object')
      t.equal(scoped, short, name)
    }
    t.equal((found.errors as unknown as readonly [{ readonly StokerError: unknown }])[0].StokerError, StokerError)
  },
)
