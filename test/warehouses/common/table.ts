import t from 'tap'
import { parseGroupName, parseNodeName } from '../../../src/base/names.ts'
import { type Table, tableWarehouse } from '../../../warehouses/common/table.ts'

const io = { signal: new AbortController().signal }
const empty: Table = { nodes: [], groups: new Map() }

t.test('an alias of two nodes names neither, and makes no one machine of them', async t => {
  const nodes = [
    { name: 'a', aliases: ['both.example.org', 'own', 'b', 'a', 'own', '-bad'] },
    { name: 'b', aliases: ['both.example.org'] },
  ]
  const warehouse = tableWarehouse({ name: 'site', load: async () => ({ ...empty, nodes }) })
  const found = await warehouse.nodes(['own', 'b', 'both.example.org'].map(parseNodeName), io)
  t.strictSame(
    [...found].map(([asked, { name, aliases }]) => [asked, name, aliases]),
    [
      ['own', 'a', ['own']],
      ['b', 'b', []],
    ],
  )
})

t.test('records are what the source has, fit or not', async t => {
  const bad = { name: 'a;b', macs: ['x'] }
  const nodes = [{ name: 'a', aliases: ['b'], addresses: ['a b'] }, { name: 'b' }, bad]
  const plain = tableWarehouse({ name: 'site', load: async () => ({ ...empty, nodes }) })
  t.strictSame(await Array.fromAsync(plain.records(io)), nodes)
  await t.rejects(Array.fromAsync(plain.all(io)), /has the address "a b", which is no address/)
  const more = tableWarehouse({
    name: 'site',
    load: async () => ({ ...empty, nodes: [{ name: 'a' }], records: [bad] }),
  })
  t.strictSame(await Array.fromAsync(more.records(io)), [bad])
})

t.test('plain names in texts are one member, which the core looks up at once', async t => {
  const texts = ['n1', '@g', 'n[2-3]', '@g!n1'].map(text => ({ kind: 'text', text }) as const)
  const warehouse = tableWarehouse({ name: 'site', load: async () => ({ ...empty, groups: new Map([['x', texts]]) }) })
  const members = await warehouse.members(parseGroupName('x'), io)
  t.match(members, [
    { expression: { kind: 'group', name: 'g' } },
    { expression: { kind: 'operation' } },
    { expression: { kind: 'names', names: ['n1', 'n2', 'n3'] } },
  ])
})

t.test('who asks first may give up without the others losing their answer', async t => {
  const [first, second] = [new AbortController(), new AbortController()]
  let loads = 0
  const warehouse = tableWarehouse({
    name: 'site',
    async load({ signal }) {
      if (++loads > 1) return empty
      return await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const asked = [first, second].map(({ signal }) =>
    warehouse.nodes([], { signal }).then(
      found => found.size,
      thrown => thrown,
    ),
  )
  const reason = new Error('gave up')
  first.abort(reason)
  t.strictSame(await Promise.all(asked), [reason, 0])
  t.equal(loads, 2)
})

t.test('who gives up while waiting does so at once, and does not stop the others', async t => {
  const second = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Table>()
  let loads = 0
  const warehouse = tableWarehouse({
    name: 'site',
    load: () => {
      loads++
      return promise
    },
  })
  const patient = warehouse.nodes([], io)
  const hasty = warehouse.nodes([], second)
  second.abort(new Error('gave up'))
  await t.rejects(hasty, { message: 'gave up' })
  resolve(empty)
  t.equal((await patient).size, 0)
  t.equal((await warehouse.nodes([], io)).size, 0)
  t.equal(loads, 1)
})

t.test('a source which failed is asked again', async t => {
  let loads = 0
  const load = async () => {
    if (++loads === 1) throw new Error('down')
    return empty
  }
  const warehouse = tableWarehouse({ name: 'site', load })
  await t.rejects(warehouse.nodes([], io), { message: 'down' })
  t.equal((await warehouse.nodes([], io)).size, 0)
})
