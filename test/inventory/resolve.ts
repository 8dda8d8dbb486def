import t from 'tap'
import { dedup } from '../../src/inventory/dedup.ts'
import { readList } from '../../src/inventory/read-list.ts'
import { resolve } from '../../src/inventory/resolve.ts'
import type { Warehouse } from '../../src/inventory/warehouse.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { memory } from '../fixtures/sites/memory.ts'

const { signal } = new AbortController()
const targets = async (text: string, warehouses: readonly Warehouse[], allowUnknown = false) => {
  const resolution = await resolve(parseExpression(text), warehouses, { signal, allowUnknown })
  return { targets: dedup(resolution), notices: resolution.notices }
}
const names = async (text: string, ...warehouses: readonly Warehouse[]) =>
  (await targets(text, warehouses)).targets.map(target => target.name).join(' ')

const site = () =>
  memory({
    name: 'site',
    nodes: { web1: {}, web2: {}, web3: {}, db1: { aliases: ['mysql'] }, both: {} },
    groups: {
      web: ['web1', 'web2', 'web3'],
      all: ['@web', 'db1'],
      odd: ['=web[1,3]'],
      most: ['=@all!web2'],
      both: ['web1'],
      none: [],
      'rack:1': [],
      a: ['@b'],
      b: ['web1', '@c'],
      c: ['@a'],
      left: ['@right'],
      right: ['=web1,@left'],
    },
  })

t.test('the core asks what a bare name is', async t => {
  for (const [expression, expected] of [
    ['web1', 'web1'],
    ['web', 'web1 web2 web3'],
    ['@web', 'web1 web2 web3'],
    ['@site:web', 'web1 web2 web3'],
    ['web[2-3],web1', 'web2 web3 web1'],
    ['all', 'web1 web2 web3 db1'],
    ['odd', 'web1 web3'],
    ['most', 'web1 web3 db1'],
    ['none', ''],
    ['@all!@odd', 'web2 db1'],
    ['@web&@odd', 'web1 web3'],
    ['@web^web[1,2],db1', 'web3 db1'],
    ['mysql', 'mysql'],
    ['mysql,db1,@all', 'mysql web1 web2 web3'],
    ['@all!mysql', 'web1 web2 web3'],
    ['@both', 'web1'],
    ['/^both$/', 'both'],
    ['/x^web1$/', ''],
    ['/^web1$x/', ''],
    ['db1,odd,web2', 'db1 web1 web3 web2'],
    ['web*', 'web1 web2 web3'],
  ] as const)
    t.equal(await names(expression, site()), expected, expression)
})

t.test('a group cycle is refused and the path is shown', async t => {
  await t.rejects(names('a', site()), { code: 'GROUP_CYCLE', message: /@a -> @b -> @c -> @a/ })
  await t.rejects(names('left,right', site()), { code: 'GROUP_CYCLE', message: /@left -> @right -> @left/ })
  for (const into of ['@into', '@into!web1', 'web1!@into'])
    await t.rejects(names(into, memory({ nodes: { web1: {} }, groups: { into: ['@a'], a: ['@b'], b: ['@a'] } })), {
      code: 'GROUP_CYCLE',
      subject: /^@a -> @b -> @a$/,
    })
})

t.test('a name which is a node and a group is refused, saying how to write either', async t => {
  await t.rejects(names('both', site()), { code: 'AMBIGUOUS_NAME', message: /@both .*\/\^both\$\// })
})

t.test('all unknown names are told at once, with the nearest known ones', async t => {
  await t.rejects(names('wbe,web1,wob2,@al', site()), {
    code: 'UNKNOWN_NAME',
    message: /@al \(did you mean @a, @all\?\), wbe \(did you mean web\?\), wob2 \(did you mean web2\?\)/,
  })
  await t.rejects(names('@nowhere:web', site()), {
    code: 'UNKNOWN_NAME',
    message: /no warehouse is called nowhere.*site/,
  })
  t.equal((await targets('new1,web1', [site()], true)).targets.map(one => one.name).join(' '), 'new1 web1')
})

t.test('what is unknown is told with what was asked and what else can be done, ten names of it', async t => {
  const told = async (text: string): Promise<string> => {
    const { message } = await names(text, site()).then(
      found => ({ message: `found ${found}` }),
      (error: Error) => error,
    )
    return (
      /^no warehouse knows (.*)\. Asked: site\. 'stoker groups' lists the groups; --allow-unknown /.exec(
        message,
      )?.[1] ?? message
    )
  }
  const many = (count: number) => Array.from({ length: count }, (_, i) => `nobody${i}`)
  for (const [text, expected] of [
    ['unheard-of', 'unheard-of'],
    ['zzzzz,yyyyy', 'yyyyy, zzzzz'],
    // A group is asked for, so only groups are near.
    ['@web11', '@web11'],
    ['@site:wbe', '@site:wbe (did you mean @web?)'],
    ['@site:rak:1', '@site:rak:1 (did you mean @rack:1?)'],
    ['2001:db8::1', '2001:db8::1'],
    ['@no such group', '"@no such group"'],
    [many(10).join(), many(10).join(', ')],
    [many(11).join(), `${[...many(2), 'nobody10', ...many(9).slice(2)].join(', ')} and 1 more`],
    [`${many(10)},nobody-a,nobody-b`, `nobody-a, nobody-b, ${many(8).join(', ')} and 2 more`],
  ] as const)
    t.equal(await told(text), expected, text)
})

t.test('what could be no name at all is refused before anyone is asked', async t => {
  const warehouse = site()
  for (const text of ['web1,-oProxyCommand=x', `web1,${'x'.repeat(254)}`])
    await t.rejects(names(text, warehouse), { code: 'EXPRESSION', message: /is not a group name/ })
  t.strictSame(warehouse.asked, [])
})

t.test('a node by name alone needs no list of all nodes', async t => {
  const { all, ...rest } = site()
  t.equal(await names('/^both$/', rest), 'both')
  await t.rejects(names('/^bot/', rest), { code: 'UNKNOWN_NAME', message: /list all its nodes/ })
})

t.test('what is resolved keeps its order, and nodes side by side are one part', async t => {
  const { selection } = await resolve(parseExpression('web1,web2,odd,web3'), [site()], { signal })
  const parts = selection.kind === 'union' ? selection.parts : [selection]
  t.strictSame(
    parts.map(part => (part.kind === 'nodes' ? part.nodes.map(node => node.requestedName) : part.kind)),
    [['web1', 'web2'], 'group', ['web3']],
  )
  const single = await resolve(parseExpression('web1,web2'), [site()], { signal })
  t.equal(single.selection.kind, 'nodes')
})

t.test('a broken warehouse stops the run, whatever the others know', async t => {
  const broken: Warehouse = {
    ...memory({ name: 'ldap' }),
    nodes: async () => {
      throw new Error('connection refused')
    },
  }
  await t.rejects(names('web1', site(), broken), { code: 'WAREHOUSE_FAILED', message: /ldap.*connection refused/ })
})

t.test('each warehouse is asked once for many names', async t => {
  const warehouse = site()
  await names('web[1-3],db1,@all,@odd', warehouse)
  t.equal(
    warehouse.asked.filter(question => question.startsWith('nodes')).length <= 3,
    true,
    warehouse.asked.join('; '),
  )
})

t.test('a warehouse of last resort is asked only for what nobody else knows', async t => {
  const dns = memory({ name: 'dns', lastResort: true, nodes: { web1: {}, web: {}, other: {} } })
  t.equal(await names('web,other', site(), dns), 'web1 web2 web3 other')
  t.strictSame(
    dns.asked.filter(question => question.startsWith('nodes')),
    ['nodes other'],
  )
})

t.test('facts of several warehouses are joined; a contradiction is told and the first one answers', async t => {
  const one = memory({ name: 'one', nodes: { n1: { addresses: ['10.0.0.1'] }, n2: { addresses: ['10.0.0.2'] } } })
  const two = memory({
    name: 'two',
    nodes: { n1: { macs: ['52:54:00:00:00:01'], user: 'admin' }, n2: { addresses: ['10.9.9.9'], user: 'wrong' } },
  })
  const { targets: found, notices } = await targets('n[1-2]', [one, two])
  t.match(found[0], { addresses: ['10.0.0.1'], macs: ['52:54:00:00:00:01'], user: 'admin' })
  t.match(found[1], { addresses: ['10.0.0.2'], user: undefined })
  t.match(notices, [/n2 is 10\.0\.0\.2 in one but 10\.9\.9\.9 in two; one answers/])
})

t.test('all nodes are all machines, also when two warehouses call different ones the same', async t => {
  const one = memory({ name: 'one', nodes: { n1: { addresses: ['10.0.0.1'] }, n2: {} } })
  const two = memory({ name: 'two', nodes: { n1: { addresses: ['10.9.9.9'] } } })
  t.equal(await names('@*', one, two), 'n1 n1 n2')
})

t.test('a group known to several warehouses is answered by the first, and that is told', async t => {
  const one = memory({ name: 'one', nodes: { a: {}, b: {} }, groups: { g: ['a'] } })
  const two = memory({ name: 'two', nodes: { b: {} }, groups: { g: ['b'] } })
  const { targets: found, notices } = await targets('g', [one, two])
  t.equal(found.map(one => one.name).join(), 'a')
  t.match(notices, [/group g is in 2 warehouses; one answers.*@two:g/])
  t.equal(await names('@two:g', one, two), 'b')
})

t.test('a member of whom nothing is known is still a member', async t => {
  t.equal(await names('@g', memory({ groups: { g: ['x1', 'x2'] } })), 'x1 x2')
})

t.test('nesting which doubles at every level is no problem', async t => {
  const groups = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`g${i}`, i === 59 ? ['n1'] : [`@g${i + 1}`, `=@g${i + 1}`]]),
  )
  t.equal(await names('@g0', memory({ nodes: { n1: {} }, groups })), 'n1')
})

t.test('a file is read when a person names it, never because a warehouse does', async t => {
  const list = `${t.testdir({ list: 'web1 # the first\n\n@odd\r\n' })}/list`
  const read = (text: string, warehouse: Warehouse) => resolve(parseExpression(text), [warehouse], { signal, readList })
  t.strictSame(
    dedup(await read(`^${list},db1`, site())).map(target => target.name),
    ['web1', 'web3', 'db1'],
  )
  await t.rejects(read(`^${list}.missing`, site()), { code: 'EXPRESSION', message: /cannot read the list/ })
  const sly = memory({ name: 'sly', groups: { g: [`=^${list}`] } })
  await t.rejects(read('@g', sly), { code: 'WAREHOUSE_FAILED', message: /sly: .*only what is typed may name a file/ })
})

t.test('an aborted signal ends the questions', async t => {
  const abort = AbortSignal.abort(new Error('enough'))
  await t.rejects(resolve(parseExpression('web'), [site()], { signal: abort }), { message: 'enough' })
})
