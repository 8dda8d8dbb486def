/** What README shows is run as it stands there. */
import { mkdir, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startLab } from '../../src/lab/lab.ts'
import { codeBlock } from '../fixtures/docs/code-block.ts'
import { stoker } from '../fixtures/program/cli.ts'

const block = (language: string, start: string): string => codeBlock('README.md', language, start)

t.test('the warehouse of README answers, loaded by its path', async t => {
  const folder = t.testdir({
    'racks.ts': block('ts', '// racks.ts'),
    'stoker.yaml': 'warehouses:\n  - {kind: ./racks.ts, name: racks, height: 4}\n',
  })
  const config = join(folder, 'stoker.yaml')
  const ended = await stoker(['resolve', '@r1!r1u2,r2u7', '--json'], { config })
  t.match(ended, { code: 0 })
  const targets = ended.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.strictSame(
    targets.map(target => target.addresses[0]),
    ['10.0.1.1', '10.0.1.3', '10.0.1.4', '10.0.2.7'],
  )
  t.match(targets[0], { name: 'r1u1', vars: { rack: '1' }, via: [{ warehouse: 'racks', path: ['@r1', 'r1u1'] }] })
  t.match(await stoker(['resolve', 'r1x'], { config }), { code: 3, stderr: /no warehouse knows r1x/ })
})

t.test('the policy of README is planned as it stands there', async t => {
  const folder = t.testdir({
    'web.yaml': block('yaml', 'name: web'),
    'stoker.yaml': 'warehouses:\n  - {kind: file, name: site, path: nodes.yaml}\n',
    'nodes.yaml': "nodes:\n  web[1-4]: {address: '10.0.0.[1-4]'}\ngroups:\n  apache: web[1-4]\n",
    templates: { 'site.hbs': 'server_name {{node.name}};\n' },
  })
  const ended = await stoker(['plan', join(folder, 'web.yaml')], { config: join(folder, 'stoker.yaml') })
  t.match(ended, { code: 0, stdout: /^web\[1-4\]: package nginx$/m })
  t.match(ended.stdout, /web\[1-4\]: reload nginx \(service\) when changed: template \/etc\/nginx\/sites-enabled\/site/)
})

t.test('the actor of README runs on real connections, loaded by its path', async t => {
  const folder = t.testdir({ 'kernel.ts': block('ts', '// kernel.ts') })
  const place = join(folder, 'lab')
  await mkdir(place)
  await using lab = await startLab({ count: 2, folder: place }, { signal: new AbortController().signal })
  const config = join(folder, 'stoker.yaml')
  const { inventory, knownHosts, identity } = lab
  const site = { warehouses: [{ kind: 'file', path: inventory }], actors: { kernel: './kernel.ts' } }
  await writeFile(
    config,
    JSON.stringify({ ...site, ssh: { config: 'none', 'known-hosts': [knownHosts], identity: [identity] } }),
  )
  t.match(await stoker(['run', 'kernel', '@all', '--', `wanted=${release()}`], { config }), { code: 0, stderr: /2 ok/ })
  t.match(await stoker(['run', 'kernel', '@all', '--', 'wanted=0.0.1'], { config }), {
    code: 1,
    stderr: /failed: lab\[01-02\] \(2\): kernel 0\.0\.1 does not run/,
  })
  t.match(await stoker(['run', 'kernel', '@all', '--', 'wanted=$(reboot)'], { config }), {
    code: 2,
    stderr: /wanted=VERSION/,
  })
})

t.test('the configuration and the inventory of README are valid', async t => {
  const folder = t.testdir({
    'stoker.yaml': block('yaml', 'warehouses:'),
    'nodes.yaml': block('yaml', 'nodes:'),
  })
  const config = join(folder, 'stoker.yaml')
  const ended = await stoker(['resolve', '@all!@odd', '--json'], { config })
  t.strictSame(
    ended.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).name),
    ['web2', 'web4', 'db1'],
  )
  t.match(await stoker(['run', 'toggle-selinux', '@apache', '--check'], { config }), { code: 0, stderr: /4 ok/ })
})

t.test('a third party which cannot be loaded is told with its place', async t => {
  const folder = t.testdir({
    'broken.ts': 'export const warehouse = 7',
    'a.yaml': 'warehouses:\n  - kind: ./missing.ts\n',
    'b.yaml': 'warehouses:\n  - kind: ./broken.ts\n',
    'c.yaml': 'warehouses:\n  - kind: flie\n',
  })
  for (const [file, message] of [
    ['a.yaml', /a\.yaml:2:\d+: .*cannot load .*missing\.ts/],
    ['b.yaml', /b\.yaml:2:\d+: .*no function/],
    ['c.yaml', /c\.yaml:2:\d+: .*did you mean file/],
  ] as const)
    t.match(await stoker(['resolve', 'x'], { config: join(folder, file) }), { code: 2, stderr: message }, file)
})
