/** The package as it is published: built, packed and unpacked once, in a folder where no packages are found. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { TSC } from '../../scripts/declarations/build.ts'
import { pack } from '../../scripts/pack.ts'
import { unpack, verifyPackage } from '../../scripts/verify-package.ts'
import { VERSION } from '../../src/base/version.ts'
import { codeBlock } from '../fixtures/docs/code-block.ts'
import { type Ended, startProgram } from '../fixtures/program/cli.ts'
import { needFleet, startFleet } from '../fixtures/servers/sshd.ts'

const ROOT = join(import.meta.dirname, '../..')
const CONFIG = 'warehouses:\n  - {kind: ./racks.ts, name: racks}\n  - {kind: file, name: site, path: nodes.yaml}\n'

/** A warehouse of somebody else's, which throws our kind of error and none of its own; it uses the short spelling. */
const RACKS = `
import { StokerError } from 'stoker/errors'
import { parseNodeName } from '@stoker-pulley/stoker/names'
export const warehouse = (options, { name }) => ({
  name,
  async members(group) {
    if (group === 'broken') throw new StokerError('WAREHOUSE_FAILED', group, 'rack fell over')
    return group === 'r1' ? [{ kind: 'node', name: parseNodeName('r1u1') }] : undefined
  },
  async nodes(names) {
    return new Map(names.flatMap(one => one === 'r1u1' ? [[one, { name: one, addresses: ['10.0.1.1'] }]] : []))
  },
  async [Symbol.asyncDispose]() {},
})
`

const folder = await mkdtemp(join(tmpdir(), 'stoker-package-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const tarball = await pack(join(folder, 'out'))
const unpacked = await unpack(tarball, join(folder, 'bare'))

t.test('it is small, whole, needs nothing, and runs where nothing but Node is', async t => {
  const home = join(folder, 'home')
  await mkdir(home)
  t.strictSame(await verifyPackage(tarball, unpacked, home), [])
})

t.test('the built programs do what the source does: others’ code, templates, Pulley', async t => {
  const site = t.testdir({
    'package.json': '{ "type": "module" }',
    'racks.ts': RACKS,
    'nodes.yaml': 'nodes:\n  web1: {address: 10.0.0.1}\n',
    'stoker.yaml': CONFIG,
    'git-setting.ts': codeBlock('docs/actors.md', 'ts', '// git-setting.ts'),
  })
  const program = (name: string, ...words: readonly string[]): Promise<Ended> =>
    startProgram(join(unpacked, `dist/${name}.js`), words, { cwd: site }).ended
  t.match(await program('stoker', '--version'), { code: 0, stdout: `stoker ${VERSION}\n` })
  t.match(await program('stoker', 'resolve', '@r1'), { code: 0, stdout: /^r1u1 +10\.0\.1\.1 / })
  t.match(await program('stoker', 'resolve', '@broken'), { code: 3, stderr: /^stoker: .*rack fell over\n$/ })
  t.match(await program('stoker', 'run', 'local', '@r1', '--', 'echo it is $STOKER_NODE'), {
    code: 0,
    stdout: /it is r1u1/,
  })
  const hosts = join(site, 'hosts')
  await writeFile(hosts, '127.0.0.1 localhost\n')
  const more = `render:\n  hosts: {output: ${hosts}}\nactors: {git-setting: ./git-setting.ts}\n`
  await writeFile(join(site, 'stoker.yaml'), `${CONFIG}${more}`)
  t.match(await program('stoker', 'render', 'hosts', '--diff'), { stdout: /^\+10\.0\.0\.1 web1$/m })
  t.match(await program('stoker', 'run', 'git-setting', 'web1', '--', 'key=x'), { code: 2, stderr: /"key": expected/ })
  t.match(await program('pulley', '--help'), { code: 0, stdout: /publish/ })
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2 })
  const names = fleet.targets.map(({ name }) => name).join(',')
  t.match(await program('stoker', '--config', fleet.config, 'run', 'shell', names, '--', 'echo over ssh'), {
    code: 0,
    stdout: /: over ssh\n.*: over ssh\n/,
  })
})

t.test('what the documents show compiles against its types, with everything strict', async t => {
  const consumer = join(folder, 'consumer')
  await mkdir(join(consumer, 'node_modules/@stoker-pulley'), { recursive: true })
  await mkdir(join(consumer, 'node_modules/@types'))
  await symlink(unpacked, join(consumer, 'node_modules/@stoker-pulley/stoker'))
  await symlink(join(ROOT, 'node_modules/@types/node'), join(consumer, 'node_modules/@types/node'))
  const files = {
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({ compilerOptions: STRICT }),
    'racks.ts': codeBlock('README.md', 'ts', '// racks.ts'),
    'kernel.ts': codeBlock('README.md', 'ts', '// kernel.ts'),
    'git-setting.ts': codeBlock('docs/actors.md', 'ts', '// git-setting.ts'),
    'nodeset.ts': codeBlock('docs/nodesets.md', 'ts', 'import { expand'),
    'use.ts': USE,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(consumer, name), text)
  const compiled = promisify(execFile)(process.execPath, [TSC, '-p', consumer])
  t.equal(
    await compiled.then(
      ({ stdout }) => stdout,
      ({ message, stdout }) => `${message}${stdout}`,
    ),
    '',
  )
  const { stdout: said } = await promisify(execFile)(process.execPath, [join(consumer, 'use.ts')])
  t.equal(said, 'racks git-setting n[1-2]\n', 'and the modules are there')
})

const STRICT = {
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  allowImportingTsExtensions: true,
  skipLibCheck: false,
  noEmit: true,
}

/** Types of two entries are one type; a mistake is seen, and what is not is an error of the compiler. */
const USE = `
import type { Actor } from '@stoker-pulley/stoker/actor'
import { parseNodeName } from '@stoker-pulley/stoker/names'
import { fold } from '@stoker-pulley/stoker/nodeset'
import type { NodeName, Warehouse } from '@stoker-pulley/stoker/warehouse'
import { actor } from './git-setting.ts'
import { warehouse } from './racks.ts'

const racks: Warehouse = warehouse({}, { name: 'racks', folder: '/' })
const names: readonly NodeName[] = [parseNodeName('n1'), parseNodeName('n2')]
const known: Actor<{ readonly file: string; readonly key: string; readonly value: string }> = actor
// @ts-expect-error: a number is no key
const unknown: Actor<{ readonly key: number }> = actor
// @ts-expect-error: names are checked first
const unchecked: readonly NodeName[] = ['n1']
console.log(racks.name, known.name, fold(names))
export { unchecked, unknown }
`
