import t from 'tap'
import { parseNodeName } from '../../src/base/names.ts'
import { parseAttributeQuery } from '../../src/inventory/attribute-query.ts'
import type { NodeFacts } from '../../src/inventory/warehouse.ts'

const nodes: readonly NodeFacts[] = [
  { name: parseNodeName('a'), vars: { rack: 3, role: 'front end', tags: ['gpu', 'big'], on: true }, user: 'deploy' },
  { name: parseNodeName('b'), vars: { rack: '33', name: 'own', bmc: { ip: '192.0.2.1' } }, addresses: ['192.0.2.2'] },
  { name: parseNodeName('c'), port: 2222, aliases: ['www'], macs: ['52:54:00:00:00:01'], vars: { odd: null } },
]
const matching = (query: string) =>
  nodes
    .filter(parseAttributeQuery(query))
    .map(node => node.name as string)
    .join('')

t.test('conditions are about vars and facts, and all of them must hold', async t => {
  for (const [query, expected] of [
    ['rack=3', 'a'],
    [' rack = 3 ', 'a'],
    ['rack=3*', 'ab'],
    ['rack=*', 'ab'],
    ['rack=**3', 'ab'],
    ['rack=3*3', 'b'],
    ['role=f*t*end', 'a'],
    ['role=f*end*d', ''],
    ['rack!=3', 'bc'],
    ['rack!=*', 'c'],
    ['rack', 'ab'],
    ['odd', ''],
    ['role=front end', 'a'],
    ['role=front*', 'a'],
    ['tags=gpu', 'a'],
    ['tags!=gpu', 'bc'],
    ['on=true', 'a'],
    ['rack=3*,user=deploy', 'a'],
    ['rack=3*&user!=deploy', 'b'],
    ['rack=.', ''],
    ['rack=3|4', ''],
    ['rack=?', ''],
    ['name=own', 'b'],
    ['name=a', 'a'],
    ['port=2222', 'c'],
    ['alias=w*', 'c'],
    ['address=192.0.2.*', 'b'],
    ['mac=52:54:*', 'c'],
    ['bmc=*192.0.2.1*', 'b'],
    ['constructor', ''],
    ['__proto__=*', ''],
    ['name', 'abc'],
  ] as const)
    t.equal(matching(query), expected, query)
})

t.test('a query which makes no sense is refused, and the place is named', async t => {
  for (const [query, column] of [
    ['', 1],
    ['=3', 1],
    ['rack=', 1],
    ['rack=3,', 8],
    ['rack=3,,gpu', 8],
    ['rack=3& ra ck=4', 8],
    ['rack>3', 1],
  ] as const)
    t.throws(
      () => parseAttributeQuery(query),
      { code: 'EXPRESSION', subject: query, message: new RegExp(`column ${column}:`) },
      query,
    )
})

t.test('a value with many stars is answered at once', async t => {
  const long = { name: parseNodeName('a'), vars: { text: 'f'.repeat(5000) } }
  t.notOk(parseAttributeQuery(`text=${'*f'.repeat(2000)}x`)(long))
  t.ok(parseAttributeQuery(`text=${'*f'.repeat(2000)}*`)(long))
})
