import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseDocument } from 'yaml'
import { runCommand } from '../../../src/render/output/run-command.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { host, rendered, type SITE, site } from '../../fixtures/sites/render-site.ts'

const UNSAFE = { tag: '!unsafe', resolve: (value: string) => value }

const inventory = async (...words: [settings?: Readonly<Record<string, unknown>>, of?: typeof SITE]) => {
  const [file] = await rendered('ansible', ...words)
  return parseDocument(file?.text ?? '', { customTags: [UNSAFE] }).toJS().all
}

t.test('hosts have their vars, groups their hosts', async t => {
  const { hosts, children } = await inventory()
  t.strictSame(hosts.web1, {
    rack: 'r1',
    slots: [1, 2],
    note: 'a: "b" {{ lookup("pipe", "id") }}',
    ansible_host: '10.1.0.10',
  })
  t.strictSame(hosts.web2, { ansible_host: '10.1.0.11', ansible_port: 2222, ansible_user: 'admin' })
  t.strictSame(hosts.roaming, {})
  t.strictSame(children, { web: { hosts: { web1: null, web2: null } }, 'rack 1': { hosts: { web1: null } } })
  t.strictSame(await inventory({}, site([], [])), { hosts: {}, children: {} })
})

t.test('a directory does not tell Ansible what to run, unless the site says so', async t => {
  const of = site(
    [],
    [
      host('a', {
        vars: { ansible_python_interpreter: '/tmp/x', ansible_ssh_common_args: '-o ProxyCommand=id', rack: 1 },
      }),
    ],
    { all: ['a'] },
  )
  t.strictSame((await inventory({}, of)).hosts.a, { rack: 1 })
  t.strictSame((await inventory({ vars: ['ansible_python_interpreter'] }, of)).hosts.a, {
    ansible_python_interpreter: '/tmp/x',
  })
  t.strictSame((await inventory({ vars: false }, of)).hosts.a, {})
  t.strictSame((await inventory({}, of)).children, {}, 'Ansible has a group all of its own')
})

t.test('Ansible reads it, and runs nothing which stands in it', async t => {
  if (!need(t, 'ansible-inventory', 'ansible-core')) return
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-ansible-'))
  const path = join(folder.path, 'hosts.yaml')
  const [file] = await rendered('ansible')
  await writeFile(path, file?.text ?? '')
  const run = async (...words: readonly string[]) => {
    const { code, output } = await runCommand(['env', `HOME=${folder.path}`, 'LC_ALL=C.UTF-8', ...words], {
      signal: AbortSignal.timeout(600_000),
    })
    t.equal(code, 0, output)
    return output
  }
  const listed = await run('ansible-inventory', '-i', path, '--list')
  const { _meta, web } = JSON.parse(listed.slice(listed.indexOf('{')))
  t.strictSame(web.hosts, ['web1', 'web2'])
  t.equal(_meta.hostvars['x.lab.example.org'].ansible_host, '10.2.17.1')
  const debug = ['ansible', '-i', path, 'web1', '-m', 'debug', '-a', 'var=note', '--connection', 'local']
  const shown = await run(...debug)
  t.match(shown, /"note": "a: \\"b\\" \{\{ lookup\(\\"pipe\\", \\"id\\"\) \}\}"/)
  t.notMatch(shown, 'uid=')
  await writeFile(path, file?.text.replaceAll('!unsafe ', '') ?? '')
  t.match(await run(...debug), 'uid=', 'without the mark it would be run')
})
