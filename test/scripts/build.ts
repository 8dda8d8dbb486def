import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { buildPrograms } from '../../scripts/build.ts'
import { VERSION } from '../../src/base/version.ts'
import { needFleet, startFleet } from '../fixtures/servers/sshd.ts'

const run = promisify(execFile)

const CONFIG = 'warehouses:\n  - {kind: ./racks.ts, name: racks}\n  - {kind: file, name: site, path: nodes.yaml}\n'

/** A warehouse of somebody else's, which throws our kind of error and none of its own. */
const RACKS = `
import { StokerError } from 'stoker/errors'
import { parseNodeName } from 'stoker/names'
export const warehouse = (options, { name }) => ({
  name,
  async members(group) {
    if (group === 'broken') throw new StokerError('WAREHOUSE_FAILED', group, 'rack fell over')
    return group === 'r1' ? [{ kind: 'node', name: parseNodeName('r1u1') }] : undefined
  },
  async nodes(names) {
    return new Map(names.flatMap(one => one === 'r1u1' ? [[one, { name: one, addresses: ['10.0.1.1'] }]] : []))
  },
  async *all() { yield parseNodeName('r1u1') },
  async *records() {},
  async [Symbol.asyncDispose]() {},
})
`

t.test('the built programs do what the source does: others’ code, templates, Pulley', async t => {
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'racks.ts': RACKS,
    'nodes.yaml': 'nodes:\n  web1: {address: 10.0.0.1}\n',
    'stoker.yaml': CONFIG,
  })
  const root = join(import.meta.dirname, '../..')
  await symlink(join(root, 'templates'), join(folder, 'templates'))
  await buildPrograms(join(folder, 'dist'))
  const program = async (name: string, ...words: readonly string[]) =>
    await run(process.execPath, [join(folder, `dist/src/${name}.js`), ...words], { cwd: folder }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    )
  t.match(await program('stoker', '--version'), { code: 0, stdout: `stoker ${VERSION}\n` })
  t.match(await program('stoker', 'resolve', '@r1'), { code: 0, stdout: /^r1u1 +10\.0\.1\.1 / })
  t.match(await program('stoker', 'resolve', '@broken'), { code: 3, stderr: /^stoker: .*rack fell over\n$/ })
  t.match(await program('stoker', 'run', 'local', '@r1', '--', 'echo it is $STOKER_NODE'), {
    code: 0,
    stdout: /it is r1u1/,
  })
  const hosts = join(folder, 'hosts')
  await writeFile(hosts, '127.0.0.1 localhost\n')
  await writeFile(join(folder, 'stoker.yaml'), `${CONFIG}render:\n  hosts: {output: ${hosts}}\n`)
  t.match(await program('stoker', 'render', 'hosts', '--diff'), { stdout: /^\+10\.0\.0\.1 web1$/m })
  t.match(await program('pulley', '--help'), { code: 0, stdout: /publish/ })
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2 })
  const names = fleet.targets.map(({ name }) => name).join(',')
  t.match(await program('stoker', '--config', fleet.config, 'run', 'shell', names, '--', 'echo over ssh'), {
    code: 0,
    stdout: /: over ssh\n.*: over ssh\n/,
  })
})
