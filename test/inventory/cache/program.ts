import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'

/** A third party's warehouse which is down while there is a file `down`, and counts how often it is opened. */
const RACKS = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
export const warehouse = ({ password }, { name, folder }) => {
  const reach = () => {
    appendFileSync(join(folder, 'asked'), 'x')
    if (existsSync(join(folder, 'down'))) throw new Error('cannot connect to racks.example.org: connection refused')
    return JSON.parse(readFileSync(join(folder, 'racks.json'), 'utf8'))
  }
  return {
    name,
    members: async group => reach().groups[group]?.map(node => ({ kind: 'node', name: node })),
    nodes: async names => new Map(names.flatMap(node => {
      const facts = reach().nodes[node]
      return facts ? [[node, { name: node, ...facts }]] : []
    })),
    async *groups() { yield* Object.keys(reach().groups) },
    async [Symbol.asyncDispose]() {},
  }
}
`
const DATA = {
  nodes: { n1: { addresses: ['10.0.0.1'] }, n2: { addresses: ['10.0.0.2'] } },
  groups: { r1: ['n1', 'n2'], r2: ['n2'] },
}

t.test('a warehouse of one’s own, with a copy', async t => {
  const folder = t.testdir({ 'racks.ts': RACKS, 'racks.json': JSON.stringify(DATA), cache: {} })
  const config = join(folder, 'stoker.yaml')
  const configure = (options: string) =>
    writeFile(config, `warehouses:\n  - {kind: ./racks.ts, password: hunter2${options}}\n`)
  const run = (...words: readonly string[]) => stoker(words, { config, env: { XDG_CACHE_HOME: join(folder, 'cache') } })
  const copies = async () => {
    // There need be no folder while there are none.
    const names = await readdir(join(folder, 'cache', 'stoker')).catch(() => [])
    return names.filter(name => name.startsWith('racks-'))
  }
  const asked = async () => (await readFile(join(folder, 'asked'), 'utf8')).length
  const down = join(folder, 'down')

  t.test('it has none unless the configuration says so', async t => {
    await configure('')
    t.equal((await run('resolve', '@r1')).code, 0)
    t.strictSame(await copies(), [])
  })

  t.test('while it is down the last good copy answers, aloud, and nothing of the result differs', async t => {
    await configure(', keep: 7d')
    const live = await run('resolve', '@r1,n2')
    t.match(live, { code: 0, stderr: /^$/, stdout: /^n1 +10\.0\.0\.1/ })
    await writeFile(down, '')
    const copied = await run('resolve', '@r1,n2')
    t.equal(copied.stdout, live.stdout)
    t.equal(copied.code, 0)
    t.match(
      copied.stderr,
      /^stoker: warehouse racks: cannot connect to racks\.example\.org: connection refused; using the copy of [\d.]+ m?s ago \(keep: 7 d\)\n$/,
    )
  })

  t.test('without one, or with --fresh, the run ends with 3 and the name of the warehouse', async t => {
    const commands = [['resolve', '@r1'], ['run', 'shell', '@r1', '--', 'true'], ['show', 'n1'], ['groups']]
    for (const ended of await Promise.all(commands.map(([command = '', ...rest]) => run(command, '--fresh', ...rest))))
      t.match(ended, {
        code: 3,
        stdout: /^$/,
        stderr: /^stoker: warehouse racks: cannot connect .*; --fresh takes no copy of it\n$/,
      })
    await configure(', keep: 0')
    t.match(await run('resolve', '@r1'), { code: 3, stderr: /^stoker: warehouse racks: .* refused\n$/ })
    await configure(', keep: 1, deep: true')
    t.match(await run('resolve', '@r1'), { code: 3, stderr: /refused; there is no copy of it\n$/ })
    await rm(down)
  })

  t.test('it is not asked while the copy is young', async t => {
    await configure(', cache: 1h')
    t.equal((await run('resolve', '@r1')).code, 0)
    const before = await asked()
    t.match(await run('resolve', '@r1'), { code: 0, stderr: /^$/ })
    t.equal(await asked(), before)
    t.equal((await run('resolve', '--fresh', '@r1')).code, 0)
    t.ok((await asked()) > before)
  })

  t.test('the file has mode 0600, and no option of the warehouse in it', async t => {
    for (const name of await copies()) {
      const path = join(folder, 'cache', 'stoker', name)
      t.equal((await stat(path)).mode & 0o777, 0o600)
      t.notMatch(`${name} ${await readFile(path, 'utf8')}`, 'hunter2')
    }
  })

  t.test('many programs at once do not harm it', async t => {
    await configure(', keep: 1d')
    const runs = await Promise.all(Array.from({ length: 4 }, (_, i) => run('resolve', i % 2 ? '@r1' : '@r2')))
    t.ok(runs.every(({ code }) => code === 0))
    t.notMatch((await copies()).join(' '), /json\.\d/, 'nothing is left beside it')
    await writeFile(down, '')
    const after = await Promise.all([run('resolve', '@r1'), run('resolve', '@r2')])
    t.notMatch(after.map(({ stderr }) => stderr).join(), 'not used')
    t.ok(after.some(({ code }) => code === 0))
  })

  t.test('a wrong time is told with its place', async t => {
    await configure(', cache: soon')
    t.match(await run('groups'), {
      code: 2,
      stderr: /stoker\.yaml:2:\d+: warehouses\[0\]\.cache: expected seconds, or/,
    })
  })
})

t.test('a command which prints an inventory is kept whole without being told', async t => {
  const script = (text: string) => `#!/bin/sh\n${text}\n`
  const inventory = {
    web: { hosts: ['n1', 'n2'] },
    all: { children: ['web'] },
    _meta: { hostvars: { n1: { rack: 3 } } },
  }
  const folder = t.testdir({
    'stoker.yaml': 'warehouses:\n  - {kind: exec, name: racks, format: ansible, command: [./racks.sh, --list]}\n',
    'racks.sh': script(`echo '${JSON.stringify(inventory)}'`),
  })
  const put = async (text: string) => {
    await writeFile(join(folder, 'racks.sh'), script(text))
    await chmod(join(folder, 'racks.sh'), 0o755)
  }
  const run = (...words: readonly string[]) =>
    stoker(words, { config: join(folder, 'stoker.yaml'), env: { XDG_CACHE_HOME: join(folder, 'cache') } })
  await put(`echo '${JSON.stringify(inventory)}'`)
  t.equal((await run('resolve', 'n1')).code, 0)

  await put('echo no route to it >&2; exit 1')
  const used = /^stoker: warehouse racks: .*no route to it.*; using the copy of /
  t.match(
    await run('resolve', '@web'),
    { code: 0, stdout: /^n1 .*\nn2 /, stderr: used },
    'a group nobody asked for before',
  )
  t.match(await run('resolve', '@racks:(rack=3)'), { code: 0, stdout: /^n1 .*\n$/, stderr: used })
  t.match(await run('resolve', 'n9'), { code: 3, stderr: /no warehouse knows n9/ })

  await put('echo "{}"')
  t.match(await run('resolve', 'n1'), { code: 0, stderr: /it is suddenly empty, .*; using the copy of/ })
})
