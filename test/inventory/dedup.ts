import t from 'tap'
import { dedup, dedupWithin } from '../../src/inventory/dedup.ts'
import { resolve } from '../../src/inventory/resolve.ts'
import type { NodeFacts, Warehouse } from '../../src/inventory/warehouse.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { memory } from '../fixtures/sites/memory.ts'

const { signal } = new AbortController()
const targets = async (text: string, ...warehouses: readonly Warehouse[]) =>
  dedup(await resolve(parseExpression(text), warehouses, { signal }))

type Facts = Omit<NodeFacts, 'name'>
const same: readonly (readonly [string, string, Facts, string, Facts])[] = [
  ['one MAC in two spellings', 'a', { macs: ['52:54:00:AA:00:01'] }, 'b', { macs: ['5254.00aa.0001'] }],
  ['one address and port', 'a', { addresses: ['10.0.0.1'] }, 'b', { addresses: ['10.0.0.1'], port: 22 }],
  ['one canonical name', 'a', { aliases: ['web1.example.org'] }, 'WEB1.example.org', {}],
  ['one MAC, written with and without its zeros', 'a', { macs: ['8:0:20:1:2:3'] }, 'b', { macs: ['080020010203'] }],
  ['one canonical name, once with the dot of the root', 'a', { aliases: ['w.example.org.'] }, 'w.example.org', {}],
  ['one IPv6 address in two spellings', 'a', { addresses: ['FE80::1'] }, 'b', { addresses: ['fe80::1'] }],
  ['the address is the other name', 'a.b', {}, 'x', { addresses: ['a.b'] }],
]
const different: readonly (readonly [string, string, Facts, string, Facts])[] = [
  [
    'one address, two ports',
    'a',
    { addresses: ['10.0.0.1'], port: 2201 },
    'b',
    { addresses: ['10.0.0.1'], port: 2202 },
  ],
  [
    'a short alias only',
    'a',
    { aliases: ['www'], addresses: ['10.0.0.1'] },
    'b',
    { aliases: ['www'], addresses: ['10.0.0.2'] },
  ],
  ['one id in two warehouses', 'a', { id: '7' }, 'b', { id: '7' }],
]

t.test('nodes which share an identity are one target', async t => {
  for (const [title, first, facts, second, others] of same) {
    const two = [memory({ name: 'x', nodes: { [first]: facts } }), memory({ name: 'y', nodes: { [second]: others } })]
    t.equal((await targets(`${first},${second}`, ...two)).length, 1, title)
  }
})

t.test('nodes which share none are two, also under one bare name', async t => {
  for (const [title, first, facts, second, others] of different) {
    const two = [memory({ name: 'x', nodes: { [first]: facts } }), memory({ name: 'y', nodes: { [second]: others } })]
    t.equal((await targets(`${first},${second}`, ...two)).length, 2, title)
  }
  const ids = memory({ nodes: { a: { id: '7' }, b: { id: '7' }, c: { id: '8' }, d: {}, e: {} } })
  t.strictSame(
    (await targets('a,b,c,d,e', ids)).map(target => target.names),
    [['a', 'b'], ['c'], ['d'], ['e']],
    'an id counts within its warehouse',
  )
  const x = memory({ name: 'x', nodes: { node1: { addresses: ['10.0.0.1'] } }, groups: { gx: ['node1'] } })
  const y = memory({ name: 'y', nodes: { node1: { addresses: ['10.0.0.2'] } }, groups: { gy: ['node1'] } })
  t.equal((await targets('@gx,@gy', x, y)).length, 2)
})

t.test('identity is passed on: a is b by MAC, b is c by address, so a is c', async t => {
  const warehouse = memory({
    nodes: {
      a: { macs: ['52:54:00:00:00:01'], addresses: ['10.0.0.1'] },
      b: { macs: ['52:54:00:00:00:01'], addresses: ['10.0.0.2'] },
      c: { addresses: ['10.0.0.2'] },
    },
  })
  const [target, ...others] = await targets('c,b,a', warehouse)
  t.strictSame(others, [])
  t.equal(target?.name, 'c')
  t.strictSame(target?.addresses, ['10.0.0.2', '10.0.0.1'])
})

t.test('the operators work on machines, not on names', async t => {
  const warehouse = memory({
    nodes: { web1: { addresses: ['10.0.0.1'] }, web2: { addresses: ['10.0.0.2'] }, www: { addresses: ['10.0.0.1'] } },
    groups: { web: ['web1', 'web2'] },
  })
  const names = async (text: string) => (await targets(text, warehouse)).map(target => target.name).join()
  t.equal(await names('@web!www'), 'web2')
  t.equal(await names('www&@web'), 'www')
  t.equal(await names('@web^www'), 'web2')
})

t.test('a target tells all the ways which led to it', async t => {
  const one = memory({
    name: 'one',
    nodes: { web1: { addresses: ['10.0.0.1'] } },
    groups: { apache: ['@front'], front: ['web1'] },
  })
  const two = memory({ name: 'two', nodes: { alias1: { addresses: ['10.0.0.1'] } } })
  const [target] = await targets('web1,@apache,alias1', one, two)
  t.strictSame(target?.via, [
    { warehouse: 'one', path: ['web1'] },
    { warehouse: 'one', path: ['@apache', '@front', 'web1'] },
    { warehouse: 'two', path: ['alias1'] },
  ])
  t.strictSame(target?.names, ['web1', 'alias1'])
})

t.test('a name taken as a host name has come from nowhere', async t => {
  const resolution = await resolve(parseExpression('new1'), [memory({})], { signal, allowUnknown: true })
  t.strictSame(dedup(resolution)[0]?.via, [{ warehouse: '-', path: ['new1'] }])
})

t.test('of many ways into one target the first eight are kept, each once', async t => {
  const groups = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`g${i}`, ['n1']]))
  const ways = async (text: string, ...warehouses: readonly Warehouse[]) => (await targets(text, ...warehouses))[0]?.via
  const site = memory({ name: 'site', nodes: { n1: {} }, groups })
  t.strictSame(
    await ways('@g[0-9],@g[0-9]', site),
    Array.from({ length: 8 }, (_, i) => ({ warehouse: 'site', path: [`@g${i}`, 'n1'] })),
  )
  t.strictSame(
    await ways('n1,@g1,n1,@g1', site),
    [['n1'], ['@g1', 'n1']].map(path => ({ warehouse: 'site', path })),
  )
  const many = Array.from({ length: 9 }, (_, i) => memory({ name: `w${i}`, nodes: { n1: {} } }))
  t.strictSame(
    await ways('n1', ...many),
    many.slice(0, 8).map(({ name }) => ({ warehouse: name, path: ['n1'] })),
  )
})

t.test('MACs come in one spelling, and what is none as it was', async t => {
  const odd = ['80:00:02:08:fe:80:00:00:00:00:00:00:7c:fe:90:03:00:2e:3a:c8', 'unknown']
  const warehouse = memory({ nodes: { a: { macs: ['5254.00AA.0001', '52-54-00-aa-00-01', ...odd] } } })
  t.strictSame((await targets('a', warehouse))[0]?.macs, ['52:54:00:aa:00:01', ...odd])
})

t.test('what others call a machine decides who it is, not what it is called and known for', async t => {
  const warehouse = memory({
    nodes: {
      a: { macs: ['52:54:00:00:00:01'] },
      b: { macs: ['52:54:00:00:00:01'], addresses: ['10.0.0.2'], user: 'other', aliases: ['b2'] },
    },
  })
  const resolution = await resolve(parseExpression('a,b'), [warehouse], { signal })
  const [a, b] = await Promise.all(
    ['a', 'b'].map(async text => (await resolve(parseExpression(text), [warehouse], { signal })).selection),
  )
  const { targets, within } = dedupWithin(a as never, [b as never], resolution.groups)
  t.strictSame(
    targets.map(({ names, addresses, user }) => ({ names, addresses, user })),
    [{ names: ['a'], addresses: [], user: undefined }],
  )
  t.strictSame(
    within.map(set => [...set]),
    [targets],
  )
})
