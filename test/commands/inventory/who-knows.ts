import t from 'tap'
import { whoKnowsNode } from '../../../src/commands/inventory/who-knows.ts'
import { type MemoryData, memory } from '../../fixtures/sites/memory.ts'

const io = { signal: new AbortController().signal }

const known = async (name: string, ...data: readonly MemoryData[]) => {
  const answers = await whoKnowsNode(name, data.map(memory), io)
  return answers.map(({ warehouse, facts }) => `${warehouse}: ${facts.name}`).join(', ')
}

const ldap = { name: 'ldap', nodes: { 'web1.example.org': { aliases: ['web1'], addresses: ['10.0.0.1'] } } }

t.test('a warehouse which knows the node by another of its names answers, too', async t => {
  for (const [facts, expected] of [
    [{ addresses: ['10.0.0.1'] }, 'ldap: web1.example.org, rows: web1'],
    [{ aliases: ['web1.example.org'] }, 'ldap: web1.example.org, rows: web1'],
    [{ addresses: ['10.9.9.9'] }, 'ldap: web1.example.org'],
    [{}, 'ldap: web1.example.org'],
  ] as const)
    t.equal(
      await known('web1.example.org', ldap, { name: 'rows', nodes: { web1: facts } }),
      expected,
      JSON.stringify(facts),
    )
})

t.test('a warehouse asked by the very name answers whatever it says', async t => {
  const rows = { name: 'rows', nodes: { web1: { addresses: ['10.9.9.9'] } } }
  t.equal(await known('web1', ldap, rows), 'ldap: web1.example.org, rows: web1')
})

t.test('a warehouse of last resort answers when no other does', async t => {
  const dns = { name: 'dns', nodes: { web1: {}, web9: {} }, lastResort: true }
  t.equal(await known('web1', dns, ldap), 'ldap: web1.example.org')
  t.equal(await known('web9', dns, ldap), 'dns: web9')
  t.equal(await known('web8', dns, ldap), '')
})
