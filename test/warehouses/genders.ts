import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { genders } from '../../warehouses/genders.ts'
import { type ContractData, warehouseContract } from '../fixtures/contracts/warehouse.ts'
import { findProgram, need } from '../fixtures/servers/debian.ts'

const io = { signal: new AbortController().signal }
const make = (path: string) => genders({ path }, { name: 'site', folder: '/' })

t.test('a genders file', async t => {
  const folder = t.testdir({})
  const write = async ({ nodes, groups }: ContractData) => {
    const lines = nodes.map(({ name }) => {
      const attributes = Object.keys(groups).filter(group => groups[group]?.includes(name))
      return `${name} ${attributes.join(',')}\n`
    })
    await writeFile(join(folder, 'genders'), lines.join(''))
    return make(join(folder, 'genders'))
  }
  const facts = ['addresses', 'aliases', 'macs', 'port', 'user', 'vars'] as const
  await warehouseContract(t, write, {
    broken: () => make('/nosuch/genders'),
    lacks: [...facts, 'nested-groups', 'empty-groups', 'spaced-names'],
  })
})

const SITE = `# a small site
head1,head2,n[0-3]  eth2=e%n,cluster=slc,all # comment
head1                passwdhost
n[1-3]            compute,share=5%%,odd=%q,path=/a=b

lonely
\ttab[01-02]\tx
foo[1-2]bar,,  suffix
a[1,3-4],b rack=3
`

t.test('nodes, groups and vars are those of nodeattr', async t => {
  const path = join(t.testdir({ genders: SITE }), 'genders')
  const warehouse = make(path)
  const groups = await Array.fromAsync(warehouse.groups?.(io) ?? [])
  const names = async (group: string) =>
    ((await warehouse.members(parseGroupName(group), io)) ?? []).map(one => (one.kind === 'node' ? one.name : '?'))
  t.strictSame(await names('compute'), ['n1', 'n2', 'n3'])
  t.strictSame(await names('rack=3'), ['a1', 'a3', 'a4', 'b'])
  t.strictSame(await names('eth2=en1'), ['n1'])
  t.strictSame(await warehouse.query?.('share=5%,eth2=en2', io), [{ kind: 'node', name: 'n2' }])
  const found = await warehouse.nodes([parseNodeName('n1'), parseNodeName('lonely')], io)
  const vars = { eth2: 'en1', cluster: 'slc', all: true, compute: true, share: '5%', odd: '%q', path: '/a=b' }
  t.strictSame([...found.values()], [{ name: 'n1', vars }, { name: 'lonely' }])

  if (!need(t, 'nodeattr', 'genders')) return
  const nodeattr = (...words: readonly string[]) =>
    execFileSync(findProgram('nodeattr') ?? '', ['-f', path, ...words], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
  const all = await Array.fromAsync(warehouse.all?.(io) ?? [])
  t.strictSame(all.map(one => one.name).sort(), nodeattr('-A', '-n').sort())
  t.strictSame(groups.filter(group => !group.includes('=')).sort(), nodeattr('-l').sort())
  for (const group of groups)
    if (group !== 'path=/a=b') t.strictSame((await names(group)).sort(), nodeattr('-n', group).sort(), group)
})

t.test('what genders(5) does not allow is told by its place', async t => {
  for (const [line, message] of [
    ['a x\na x', /:2: node "a" has the attribute "x" already/],
    ['a x,x=1', /:1: node "a" has the attribute "x" already/],
    ['a x y', /:1: there is a blank in the attributes, before "y"/],
    ['a x,', /:1: an attribute is empty/],
    ['a x,,y', /:1: an attribute is empty/],
    ['a =1', /:1: an attribute is empty/],
    ['a x=', /:1: the attribute "x" has no value/],
    ['a[2-1] x', /:1: .*2-1/],
    ['a[1-2 x', /:1: /],
    ['a[0-9999999] x', /:1: .*more than 1000000/],
  ] as const) {
    const path = join(t.testdir({ genders: line }), 'genders')
    await t.rejects(make(path).members(parseGroupName('x'), io), { code: 'CONFIG', subject: path, message }, line)
  }
  t.throws(() => genders({ file: 'x' }, { name: 'site', folder: '/' }), { code: 'CONFIG', subject: 'file' })
})

t.test('names which are no names are refused, and the group is not shorter', async t => {
  const path = join(
    t.testdir({ genders: 'a ok\n-oProxyCommand=x ok,bad\n$(reboot) worse\nb fine,$(x)=1\n' }),
    'genders',
  )
  const warehouse = make(path)
  t.equal((await warehouse.members(parseGroupName('fine'), io))?.length, 1)
  for (const group of ['ok', 'bad', 'worse'])
    await t.rejects(warehouse.members(parseGroupName(group), io), { code: 'WAREHOUSE_FAILED' }, group)
  t.strictSame(await Array.fromAsync(warehouse.groups?.(io) ?? []), ['ok', 'bad', 'worse', 'fine'])
})
