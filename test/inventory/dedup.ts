import t from 'tap'
import { dedup } from '../../src/inventory/dedup.ts'
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
