import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { dedup } from '../../src/inventory/dedup.ts'
import { resolve } from '../../src/inventory/resolve.ts'
import { evaluator } from '../../src/nodeset/evaluate.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { groupsOf, openSources } from '../../warehouses/clustershell/groups.ts'
import { clustershell } from '../../warehouses/clustershell.ts'
import { type ContractData, warehouseContract } from '../fixtures/contracts/warehouse.ts'
import { findProgram, need } from '../fixtures/servers/debian.ts'

const io = { signal: new AbortController().signal }
const make = (path: string, options: Readonly<Record<string, unknown>> = {}) =>
  clustershell({ path, ...options }, { name: 'site', folder: '/' })

const lacks = ['spaced-names', 'addresses', 'aliases', 'macs', 'port', 'user', 'vars'] as const
const groupLines = ({ groups }: ContractData, separator: string) =>
  Object.entries(groups)
    .map(([name, list]) => `${name}: ${list.join(separator)}\n`)
    .join('')

t.test('a wrong option is named', async t => {
  for (const [options, subject] of [
    [{ path: 5 }, 'path'],
    [{ sources: 'a' }, 'sources'],
    [{ deadline: -1 }, 'deadline'],
  ] as const)
    t.throws(() => make('/x', options), { code: 'CONFIG', subject })
})

t.test('upcalls as ClusterShell ships them', async t => {
  const folder = t.testdir({ 'groups.conf': SHIPPED, 'groups.d': {} })
  const write = async (data: ContractData) => {
    const all = `all: ${data.nodes.map(node => node.name).join(' ')}\n`
    await writeFile(join(folder, 'groups.d', 'local.cfg'), groupLines(data, ',') + all)
    return make(join(folder, 'groups.conf'))
  }
  await warehouseContract(t, write, { broken: () => make('/nosuch/groups.conf'), lacks, moreGroups: true })
})

t.test('a YAML source', async t => {
  const folder = t.testdir({
    'groups.conf': '[Main]\nautodir: $CFGDIR/groups.d "$CFGDIR/with blank"\n',
    'groups.d': {},
  })
  const write = async (data: ContractData) => {
    const groups = { ...data.groups, all: data.nodes.map(node => node.name) }
    await writeFile(join(folder, 'groups.d', 'site.yaml'), JSON.stringify({ other: { x: 'y' }, site: groups }))
    return make(join(folder, 'groups.conf'), { source: 'site' })
  }
  await warehouseContract(t, write, { broken: () => make('/nosuch/groups.conf'), lacks, moreGroups: true })
})

t.test('all sources together: what nodeset says, we say', async t => {
  const folder = t.testdir(SITE)
  const path = join(folder, 'groups.conf')
  const names = async (text: string, source: string) =>
    dedup(await resolve(parseExpression(text), [make(path, { source })], io))
      .map(target => target.name)
      .sort()
      .join(' ')
  const expected = [
    ['@io', 'roles', 'n1 n2'],
    ['@compute', 'roles', 'n3 n4 n5 n6'],
    ['@mixed', 'roles', 'n2 n4 n5 n6 n7'],
    ['@most', 'roles', 'n3 n4 n6'],
    ['@*', 'roles', 'n1 n2 n3 n4 n5 n6'],
    ['@every', 'roles', 'n1 n2 n3 n4 n5 n6 n7'],
    ['@glob', 'roles', 'n1 n2 n3 n4 n5 n6'],
    ['@r[1-2]', 'racks', 'n1 n2 n3 n4 n5 n6'],
    ['@list', 'racks', 'n7 n8 n9'],
    ['@none', 'racks', ''],
    ['@*', 'racks', 'n1 n2 n3 n4 n5 n6 n7 n8 n9'],
    ['@a', 'more', 'm1 m2'],
    ['@a', 'again', 'g1'],
    ['@where', 'more', join(folder, 'conf.d').replaceAll('/', '.')],
    ['@who', 'again', 'again'],
  ] as const
  for (const [text, source, nodes] of expected) t.equal(await names(text, source), nodes, `${source} ${text}`)
  if (findProgram('nodeset') === undefined) return t.comment('no nodeset here to compare with')
  for (const [text, source, nodes] of expected) {
    const words = ['--groupsconf', path, '-e', '-s', source, text]
    const said = execFileSync(findProgram('nodeset') ?? '', words, { encoding: 'utf8', cwd: '/' })
    t.equal(said.trim().split(/\s+/).sort().join(' '), nodes, `nodeset ${words.slice(2).join(' ')}`)
  }
})

t.test('members which are plain stay as they are written, so that the way to a node can be told', async t => {
  const warehouse = make(join(t.testdir(SITE), 'groups.conf'), { source: 'roles' })
  const members = (group: string) => warehouse.members(parseGroupName(group), io)
  const nodes = (...names: readonly string[]) => names.map(name => ({ kind: 'node', name }))
  t.strictSame(await members('mixed'), nodes('n2', 'n4', 'n5', 'n6', 'n7'))
  t.strictSame(await members('both'), [
    { kind: 'group', name: 'io' },
    { kind: 'node', name: 'n9' },
  ])
  t.equal(await members('nosuch'), undefined)
  t.strictSame([...(await Array.fromAsync(warehouse.groups?.(io) ?? []))].sort(), [
    'all',
    'both',
    'compute',
    'every',
    'glob',
    'io',
    'mixed',
    'most',
  ])
})

t.test('the calculator has all sources, the default one first', async t => {
  const path = join(t.testdir(SITE), 'groups.conf')
  const port = groupsOf(await openSources({ warehouse: 'site', path, deadline: 5_000 }, io))
  const ask = evaluator({ ...io, groups: async () => port, readList: async () => parseExpression('x') })
  t.strictSame(await ask.sources(), ['roles', 'more', 'again', 'racks', 'up'])
  t.strictSame([...(await ask.names(parseExpression('@io,@racks:list,@up:q')))], ['n1', 'n2', 'n7', 'n8', 'n9', 'q1'])
  t.strictSame([...(await ask.names(parseExpression('@nosuch')))], [])
  await t.rejects(ask.names(parseExpression('@nosuch:a')), { code: 'UNKNOWN_NAME' })
  t.strictSame(Object.fromEntries((await ask.reverse(['q1', 'x'], 'up')) ?? []), { q1: ['q'], x: [] })
  t.equal(await ask.reverse(['n1']), undefined)
})

t.test('a name which could be more than a name reaches no command', async t => {
  const folder = t.testdir({
    'groups.conf': '[up]\nmap: echo $GROUP >> asked; echo n1\nlist: echo $$ > pid; echo a\nreverse: touch mark; $NODE',
  })
  const warehouse = make(join(folder, 'groups.conf'))
  for (const name of [`x)(touch`, '%s 1', '../groups', 'a..b', 'x/y', '#x', '~root', 'a b', 'x}', 'x{'])
    t.equal(await warehouse.members(parseGroupName(name), io).catch(e => e.code), undefined, name)
  t.notOk(existsSync(join(folder, 'asked')))
  t.strictSame(await warehouse.members(parseGroupName('a=b:c%d+e'), io), [{ kind: 'node', name: 'n1' }])
  t.ok(existsSync(join(folder, 'asked')))
})

t.test('names which are no names are refused, and the group is not shorter', async t => {
  const yaml = {
    site: { fine: 'n1', dash: 'n1 -oProxyCommand=x', shell: 'n1 $(reboot)', file: 'n1,^/etc/passwd', deep: '@dash!n2' },
  }
  const folder = t.testdir({ 'groups.conf': '[Main]\nautodir: $CFGDIR', 'a.yaml': JSON.stringify(yaml) })
  const warehouse = make(join(folder, 'groups.conf'))
  t.strictSame(await warehouse.members(parseGroupName('fine'), io), [{ kind: 'node', name: 'n1' }])
  for (const group of ['dash', 'shell', 'file', 'deep'])
    await t.rejects(warehouse.members(parseGroupName(group), io), { code: 'WAREHOUSE_FAILED' }, group)
})

t.test('a file which is wrong is told by its place', async t => {
  const cases: readonly (readonly [string | Readonly<Record<string, string>>, RegExp])[] = [
    ['map: x', /groups\.conf:1: expected a section such as \[Main\], found "map: x"/],
    ['[a]\nnonsense', /groups\.conf:2: expected key: value, found "nonsense"/],
    ['[a]\nmap: x\n[a]\nmap: y', /groups\.conf:3: section "a" is there twice/],
    ['[a]\nmap: x\nmap: y', /groups\.conf:3: "map" is there twice/],
    ['[a]\nlist: x', /groups\.conf:1: group source "a" has no map/],
    ['[Main]\ndefault: b\n[a]\nmap: x', /groups\.conf:1: the default group source "b" is not defined \(there is: a\)/],
    ['[Main]\n', /groups\.conf defines no group source/],
    [
      { 'groups.conf': '[Main]\nconfdir: $CFGDIR\n[a]\nmap: x', 'b.conf': '[a]\nmap: y' },
      /b\.conf:1: group source "a" is defined twice|"a" is defined twice/,
    ],
    [{ 'groups.conf': '[Main]\nautodir: $CFGDIR', 'b.yaml': 'a: [1]' }, /b\.yaml:1:4: a: expected groups/],
    [{ 'groups.conf': '[Main]\nautodir: $CFGDIR', 'b.yaml': '- a' }, /b\.yaml:1:1: expected group sources/],
    [
      { 'groups.conf': '[Main]\nautodir: $CFGDIR', 'b.yaml': 'a:\n  g: {x: y}' },
      /b\.yaml:2:6: a\.g: expected a node set/,
    ],
    [{ 'groups.conf': '[Main]\nautodir: $CFGDIR', 'b.yaml': 'a: {' }, /b\.yaml:1/],
  ]
  for (const [files, message] of cases) {
    const folder = t.testdir(typeof files === 'string' ? { 'groups.conf': files } : { ...files })
    const asked = make(join(folder, 'groups.conf')).members(parseGroupName('g'), io)
    await t.rejects(asked, { code: 'CONFIG', message }, JSON.stringify(files))
  }
  const path = join(t.testdir(SITE), 'groups.conf')
  const message = /has no group source "nosuch"; there is: more, again, racks, roles, up/
  await t.rejects(make(path, { source: 'nosuch' }).members(parseGroupName('g'), io), {
    code: 'CONFIG',
    subject: 'source',
    message,
  })
})

t.test('a source without list and all is asked by group, and says so when it cannot tell all nodes', async t => {
  const warehouse = make(join(t.testdir({ 'groups.conf': '[up]\nmap: echo n1' }), 'groups.conf'))
  t.strictSame(await warehouse.members(parseGroupName('a'), io), [{ kind: 'node', name: 'n1' }])
  t.strictSame(await Array.fromAsync(warehouse.groups?.(io) ?? []), [])
  t.equal((await warehouse.nodes([parseNodeName('n1')], io)).size, 0)
  await t.rejects(Array.fromAsync(warehouse.all?.(io) ?? []), {
    code: 'WAREHOUSE_FAILED',
    message: /neither all nor list/,
  })
})

t.test('a genders file through its upcalls, as ClusterShell suggests', async t => {
  if (!need(t, 'nodeattr', 'genders')) return
  const folder = t.testdir({
    genders: 'n[1-3] all,web\nn3 db\n',
    'groups.conf':
      '[genders]\nmap: nodeattr -f genders -n $GROUP\nall: nodeattr -f genders -n all\nlist: nodeattr -f genders -l\n',
  })
  const warehouse = make(join(folder, 'groups.conf'))
  t.strictSame((await warehouse.members(parseGroupName('web'), io))?.length, 3)
  t.strictSame((await warehouse.nodes(['n3', 'n4'].map(parseNodeName), io)).size, 1)
})

t.test('a file which one may not read has no sources for oneself', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-groups-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'groups.conf'), '[Main]\nautodir: $CFGDIR\n[a]\nmap: echo n1')
  await writeFile(join(folder, 'b.yaml'), 'a: {c: d}', { mode: 0 })
  await chmod(folder, 0o755)
  const asked = make(join(folder, 'groups.conf'))
  // Root may read everything: for a moment this is nobody.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    t.equal((await asked.members(parseGroupName('g'), io))?.length, 1)
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
  if (isRoot)
    await t.rejects(make(join(folder, 'groups.conf')).members(parseGroupName('g'), io), { message: /defined twice/ })
})

const SHIPPED = `# comment
[Main]
default: local
confdir: /nosuch/groups.conf.d $CFGDIR/groups.conf.d
autodir: /nosuch/groups.d $CFGDIR/groups.d

[local]
map: [ -f $CFGDIR/groups ] && f=$CFGDIR/groups || f=$CFGDIR/groups.d/local.cfg; sed -n 's/^$GROUP: *\\(.*\\)/\\1/p' $f
all: [ -f $CFGDIR/groups ] && f=$CFGDIR/groups || f=$CFGDIR/groups.d/local.cfg; sed -n 's/^all:\\(.*\\)/\\1/p' $f
list: [ -f $CFGDIR/groups ] && f=$CFGDIR/groups || f=$CFGDIR/groups.d/local.cfg; sed -n 's/^\\([0-9A-Za-z_-]*\\):.*/\\1/p' $f
`

const SITE = {
  'groups.conf': `[Main]
default: roles
confdir: "$CFGDIR/conf.d"
autodir: $CFGDIR/auto.d

[up]
map = case $GROUP in
  q) echo q1;; esac
list: echo q
reverse: case $NODE in q1) echo q;; esac
cache_time: 60
`,
  'conf.d': {
    'more.conf': `; two sources
[more,again]
map: test $GROUP = where && pwd | tr / .; test $GROUP = who && echo \${SOURCE}; test $GROUP = a && case $SOURCE in more) echo m[1-2];; *) echo g1;; esac; true
all: echo m[1-2]
`,
    'ignored.txt': 'nonsense',
  },
  'auto.d': {
    'roles.yaml': `roles:
  io: n[1-2]
  compute: '@racks:r2,n3'
  mixed: 'n2,@racks:r2,n7'
  most: '@compute!n5'
  both: ['@io', 'n9']
  every: '@racks:*&n[1-7]'
  glob: 'n*'
  all: '@io,@compute'
`,
    'racks.yaml': 'racks: {r1: "n[1-3]", r2: "n[4-6]", list: [n7, "n[8-9]"], none: ""}\n',
  },
}
