import t from 'tap'
import { targetsByName } from '../../src/inventory/targets-by-name.ts'
import { memory } from '../fixtures/sites/memory.ts'

const { signal } = new AbortController()
const site = memory({
  name: 'site',
  nodes: { web: { addresses: ['10.0.0.9'] }, web1: { aliases: ['www'], addresses: ['10.0.0.1'], user: 'alice' } },
  groups: { web: ['web1'] },
})
const dns = memory({ name: 'dns', nodes: { far: { addresses: ['10.9.9.9'] } }, lastResort: true })
const targets = async (...names: readonly string[]) =>
  (await targetsByName(names, [site, dns], { signal })).targets.map(({ name, addresses, user }) => [
    name,
    ...addresses,
    ...(user === undefined ? [] : [user]),
  ])

t.test('a name is a host with what is known of it, also where a group has it; the order stays', async t => {
  t.strictSame(await targets('web1', 'web'), [
    ['web1', '10.0.0.1', 'alice'],
    ['web', '10.0.0.9'],
  ])
})

t.test('who is asked last is asked for the rest, and what nobody knows is a host name', async t => {
  t.strictSame(await targets('nobody', 'far'), [['nobody'], ['far', '10.9.9.9']])
  t.strictSame(dns.asked.at(-1), 'nodes nobody,far')
})

t.test('two names of one machine are two targets', async t => {
  t.strictSame(await targets('www', 'web1'), [
    ['www', '10.0.0.1', 'alice'],
    ['web1', '10.0.0.1', 'alice'],
  ])
})

t.test('what is no name is refused', async t => {
  await t.rejects(targetsByName(['-oProxyCommand=x'], [site], { signal }), { code: 'EXPRESSION' })
})

t.test('machines which warehouses do not agree on are told', async t => {
  const other = memory({ name: 'other', nodes: { web1: { addresses: ['10.7.7.7'] } } })
  const { notices } = await targetsByName(['web1'], [site, other], { signal })
  t.match(notices, [/^web1 is 10\.0\.0\.1 in site but 10\.7\.7\.7 in other/])
})
