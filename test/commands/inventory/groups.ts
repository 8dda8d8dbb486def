import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'

const FILES = {
  'stoker.yaml': `warehouses:
  - {kind: file, name: site, path: site.yaml}
  - {kind: file, name: other, path: other.yaml}
  - {kind: dns}
`,
  'site.yaml': `nodes:
  web[1-3]:
  db1:
groups:
  web: web[1-3]
  all: ["@web", db1, "@other:web"]
  loop: "@pool"
  pool: "@loop"
  Rack 3: db1
`,
  'other.yaml': 'nodes: {web3: }\ngroups: {web: web3, none: []}\n',
}

t.test('stoker groups', async t => {
  const folder = t.testdir(FILES)
  const groups = (...words: readonly string[]) => stoker(['groups', ...words], { config: `${folder}/stoker.yaml` })
  const lines = async (...words: readonly string[]) => (await groups(...words)).stdout.trimEnd().split('\n')

  t.test('one a line, as they are typed, in the order of the warehouses', async t => {
    t.strictSame(await lines(), [
      ...['@site:Rack 3', '@site:all', '@site:loop', '@site:pool', '@site:web'],
      ...['@other:none', '@other:web'],
    ])
  })

  t.test('with the number of machines; those of a cycle cannot be counted, which is told', async t => {
    const { code, stdout, stderr } = await groups('--count')
    t.strictSame(stdout.trimEnd().split('\n'), [
      ...['1 @site:Rack 3', '4 @site:all', '- @site:loop', '- @site:pool', '3 @site:web'],
      ...['0 @other:none', '1 @other:web'],
    ])
    t.match(stderr, /@site:loop: a group contains itself: @loop -> @pool -> @loop/)
    t.equal(code, 0)
  })

  t.test('only those which match a pattern', async t => {
    t.strictSame(await lines('w*'), ['@site:web', '@other:web'])
    t.strictSame(await lines('@other:w??'), ['@other:web'])
    t.strictSame(await lines('@web', '-c'), ['3 @site:web', '1 @other:web'])
    t.match(await groups('zz*'), { code: 0, stdout: /^$/, stderr: /no group matches zz\*/ })
    t.match(await groups('@nowhere:*'), { code: 3, stderr: /no warehouse is called nowhere; there is: site, other/ })
    t.match(await groups('@dns:*'), { code: 3, stderr: /dns cannot list groups/ })
  })

  t.test('as JSON', async t => {
    const parsed = (await lines('--json', 'all')).map(line => JSON.parse(line))
    t.strictSame(parsed, [{ warehouse: 'site', group: 'all' }])
    t.strictSame(
      (await lines('--json', '-c', '@site:*')).map(line => JSON.parse(line).nodes),
      [1, 4, null, null, 3],
    )
  })
})
