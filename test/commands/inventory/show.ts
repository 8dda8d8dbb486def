import { readFile } from 'node:fs/promises'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'

const FILES = {
  'stoker.yaml': `warehouses:
  - {kind: file, name: site, path: site.yaml}
  - {kind: file, name: other, path: other.yaml}
  - {kind: dns}
`,
  'site.yaml': `nodes:
  web1: {address: 10.0.0.1, alias: [www, web1.example.org], mac: "52:54:00:00:00:01", user: root, rack: 3}
  web2: {address: 10.0.0.2, note: "\\e[31mred\\e[0m\\u009b2J"}
  db1: {address: 10.0.0.3}
  both: {address: 10.0.0.4}
groups:
  web: web[1-2]
  all: "@web,db1"
  deep: "@all"
  loop: "@pool,web2"
  pool: "@loop"
  both: [db1]
  Rack 3: [web1]
  lost: [nosuch]
`,
  'other.yaml': `nodes:
  web1.example.org: {address: 10.0.0.1, port: 2222, rack: 4}
  web2: {address: 10.9.9.9, user: admin}
groups:
  web: [www]
`,
}

t.test('stoker show', async t => {
  const folder = t.testdir(FILES)
  const show = (...words: readonly string[]) => stoker(['show', ...words], { config: `${folder}/stoker.yaml` })

  t.test('a node: every fact, who says so, and every group, also through an alias', async t => {
    const { code, stdout, stderr } = await show('www')
    const page = await readFile(new URL('../../../docs/warehouses.md', import.meta.url), 'utf8')
    const [, documented] = /^```text\n( {2}node .*?)^```$/ms.exec(page) ?? []
    t.equal(stdout, documented)
    t.strictSame([code, stderr], [0, ''])
  })

  t.test('contradictions and cycles are marked, and odd text does a terminal no harm', async t => {
    const { code, stdout, stderr } = await show('web2')
    t.match(stdout, /^! address {4}10\.9\.9\.9 .* other \(contradicts site\)$/m)
    t.match(stdout, /^! cycle .*@site:loop -> @site:pool -> @site:loop/m)
    t.match(stdout, /^ {2}group {6}@pool > @loop +site$/m)
    t.match(stdout, '^[[31mred^[[0m\\u009b2J')
    t.match(stderr, /web2 is 10\.0\.0\.2 in site but 10\.9\.9\.9 in other/)
    t.equal(code, 0)
  })

  t.test('a group: who knows it, its members, and how many nodes it is', async t => {
    t.equal(
      (await show('@web')).stdout,
      `  group    @web      site, other
  members  web[1-2]  site
  nodes    2         site
  members  www       other
  nodes    1         other
`,
    )
    t.match((await show('@other:web')).stdout, /^ {2}group .*other\n {2}members {2}www {3}other\n.*\n$/)
    t.match((await show('Rack 3')).stdout, /members {2}web1/)
    t.match((await show('all')).stdout, /members {2}@web,db1 {2}site\n {2}nodes {4}3/)
  })

  t.test('a group which nobody could act on says why', async t => {
    t.match(await show('loop'), { code: 0, stdout: /^! nodes .*a group contains itself: @loop -> @pool -> @loop/m })
    t.match(await show('@lost'), { code: 0, stdout: /^! nodes .*no warehouse knows nosuch/m })
  })

  t.test('a name of both is shown as both', async t => {
    const { stdout } = await show('both')
    t.match(stdout, /^ {2}node +both +site$/m)
    t.match(stdout, /^ {2}group +@both +site$/m)
  })

  t.test('as JSON, one object for the node, one for the group', async t => {
    const node = JSON.parse((await show('www', '--json')).stdout)
    t.match(node, {
      kind: 'node',
      name: 'www',
      warehouses: [
        { warehouse: 'site', facts: { name: 'web1', vars: { rack: 3 } } },
        { warehouse: 'other', facts: { name: 'web1.example.org', port: 2222 } },
      ],
      contradictions: [{ fact: 'vars.rack', value: 4, warehouses: ['other'], contradicts: 'site' }],
      cycles: { length: 0 },
    })
    t.strictSame(node.groups.at(-2), { warehouse: 'site', path: ['@deep', '@all', '@web'] })
    t.strictSame(JSON.parse((await show('@all', '--json')).stdout), {
      kind: 'group',
      name: 'all',
      warehouses: [{ warehouse: 'site', members: ['@web,db1'], nodes: 3 }],
    })
    t.match(JSON.parse((await show('@loop', '--json')).stdout).warehouses[0], { error: /contains itself/ })
  })

  t.test('what only the resolver of host names knows is shown as well', async t => {
    t.match(await show('127.0.0.1'), { code: 0, stdout: /^ {2}node +127\.0\.0\.1 +dns$/m })
  })

  t.test('an unknown name ends with 3 and the nearest ones, an expression with 2', async t => {
    t.match(await show('@wbe'), { code: 3, stdout: /^$/, stderr: /no warehouse knows @wbe \(did you mean @web/ })
    t.match(await show('@nowhere:web'), { code: 3, stderr: /no warehouse is called nowhere/ })
    t.match(await show('web[1-2]'), { code: 2, stderr: /show takes one name/ })
  })
})
