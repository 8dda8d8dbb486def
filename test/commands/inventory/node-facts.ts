import t from 'tap'
import { parseNodeName } from '../../../src/base/names.ts'
import { factsOf } from '../../../src/commands/inventory/node-facts.ts'
import type { NodeFacts } from '../../../src/inventory/warehouse.ts'

const told = (...answers: readonly Omit<NodeFacts, 'name'>[]) =>
  factsOf(answers.map((facts, i) => ({ warehouse: `w${i + 1}`, facts: { name: parseNodeName('web1'), ...facts } })))
    .filter(({ fact }) => fact !== 'name')
    .map(
      ({ fact, value, warehouses, contradicts }) =>
        `${fact} ${JSON.stringify(value)} ${warehouses.join('+')}${contradicts ? ` not ${contradicts}` : ''}`,
    )

t.test('every fact is told once, with all who say so', async t => {
  t.strictSame(
    told(
      { id: 'row 7', aliases: ['www'], addresses: ['10.0.0.1', '2001:db8::1'], vars: { rack: 3, disks: ['a', 'b'] } },
      { aliases: ['www', 'w1'], addresses: ['10.0.0.1'], port: 22, user: 'root', vars: { rack: 3, disks: ['a', 'b'] } },
      { macs: ['52:54:00:00:00:01'], port: 22 },
    ),
    [
      'id "row 7" w1',
      'alias "www" w1+w2',
      'alias "w1" w2',
      'address "10.0.0.1" w1+w2',
      'address "2001:db8::1" w1',
      'port 22 w2+w3',
      'user "root" w2',
      'mac "52:54:00:00:00:01" w3',
      'vars.disks ["a","b"] w1+w2',
      'vars.rack 3 w1+w2',
    ],
  )
})

t.test('what cannot be right at the same time is marked', async t => {
  for (const [one, other, expected] of [
    [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }, 'address "10.0.0.2" w2 not w1'],
    [{ port: 22 }, { port: 2222 }, 'port 2222 w2 not w1'],
    [{ user: 'root' }, { user: 'admin' }, 'user "admin" w2 not w1'],
    [{ macs: ['52:54:00:00:00:01'] }, { macs: ['52:54:00:00:00:02'] }, 'mac "52:54:00:00:00:02" w2 not w1'],
    [{ vars: { rack: 3 } }, { vars: { rack: '3' } }, 'vars.rack "3" w2 not w1'],
    [{ vars: { disks: ['a'] } }, { vars: { disks: ['b'] } }, 'vars.disks ["b"] w2 not w1'],
  ] as const)
    t.strictSame(told(one, other).at(-1), expected)
})

t.test('what adds to each other is no contradiction', async t => {
  for (const [one, other] of [
    [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2', '10.0.0.1'] }],
    [{ addresses: ['10.0.0.1'] }, { addresses: ['web1.example.org'] }],
    [{ addresses: [] }, { addresses: ['10.0.0.1'] }],
    [{ id: 'row 7' }, { id: 'cn=web1' }],
    [{ aliases: ['a'] }, { aliases: ['b'] }],
    [{ macs: ['52:54:00:00:00:01'] }, { macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'] }],
    [{ vars: { a: { x: 1, y: 2 } } }, { vars: { a: { y: 2, x: 1 } } }],
  ] as const)
    t.notMatch(told(one, other).join(), / not /, JSON.stringify([one, other]))
})
