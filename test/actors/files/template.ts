import { writeFileSync } from 'node:fs'
import t from 'tap'
import { template } from '../../../actors/files/template.ts'
import { sourcesIn } from '../../../src/converge/materials.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { convergentContract } from '../../fixtures/contracts/convergent.ts'
import { act, target } from '../../fixtures/program/act.ts'

const actor = template as Actor

const folder = t.testdir({
  'motd.hbs': 'Welcome to {{node.name}}\n{{#each node.names}}- {{this}}\n{{/each}}',
  'plain.hbs': 'nobody\n',
  'vars.hbs': '{{node.vars.rack}} "{{node.vars.note}}" {{node.addresses.[0]}} {{node.macs.[0]}}\n',
  'missing.hbs': 'ok\nrack {{node.vars.rck}}\n',
  'facts.hbs': '{{facts.os.id}} {{facts.cpus}}\n',
})

await convergentContract(t, template, [
  {
    title: 'a file from a template',
    options: ({ folder: on }) => ({ path: `${on}/motd`, source: `${folder}/motd.hbs`, mode: '0640' }),
    after: async (t, { folder: on, sh, host }) => {
      t.equal(await sh(`cat ${on}/motd`), `Welcome to ${host.name}\n- ${host.name}\n`)
      t.match(await sh(`ls -l ${on}/motd`), /^-rw-r-----/)
    },
    reverse: ({ folder: on }) => ({ path: `${on}/motd`, source: `${folder}/plain.hbs`, mode: '0600', backup: true }),
    reversed: async (t, { folder: on, sh }) => t.equal(await sh(`cat ${on}/motd`), 'nobody\n'),
  },
])

t.test('values of the node stand in the file as they are', async t => {
  const path = `${t.testdir({})}/f`
  const node = target('web1', {
    addresses: ['192.0.2.1'],
    macs: ['02:00:00:00:00:01'],
    vars: { rack: 7, note: `<b> & "$(x)" 'y'` },
  })
  const { stdout } = await act(actor, { path, source: `${folder}/vars.hbs` }, node, { apply: false, diff: true })
  t.match(stdout, `+7 "<b> & "$(x)" 'y'" 192.0.2.1 02:00:00:00:00:01\n`)
})

t.test('a key which is not there is an error with file and line, and the target is not asked', async t => {
  const connect = async () => t.fail('connected') as never
  await t.rejects(act(actor, { path: '/x', source: `${folder}/missing.hbs` }, target('web1'), { connect }), {
    code: 'CONFIG',
    message: /missing\.hbs:2:\d+: .*rck/,
  })
})

t.test('facts come over the same connection, and only when the template asks', async t => {
  const path = `${t.testdir({})}/f`
  const { materials } = sourcesIn({ files: folder, templates: folder, confined: false })
  const { gatherFacts } = await import('../../../src/converge/facts.ts')
  const { localConnection } = await import('../../../src/connection/local.ts')
  let connections = 0
  let asked = 0
  const run = (source: string) =>
    act(actor, { path, source }, target('web1'), {
      connect: async () => {
        connections += 1
        return localConnection('web1')
      },
      materials: reach => {
        const { signal } = new AbortController()
        const facts = async () => {
          asked += 1
          return await gatherFacts(await reach(), { signal })
        }
        return materials(target('web1'), { facts }, { signal })
      },
    })
  t.match((await run('facts.hbs')).outcome, { kind: 'ok', changed: true })
  t.match((await run('plain.hbs')).outcome, { kind: 'ok', changed: true })
  t.strictSame([connections, asked], [2, 1])
})

t.test('a template is wanted', async t => {
  t.throws(() => template.parse({ path: '/x' }), { code: 'ACTOR_OPTION', subject: 'source', message: /is missing/ })
  t.throws(() => template.parse({ path: '/x', src: 'y' }), { code: 'ACTOR_OPTION' })
})

t.test('secret content is not shown', async t => {
  writeFileSync(`${folder}/secret.hbs`, 'key {{node.name}}\n')
  const options = { path: `${t.testdir({})}/f`, source: `${folder}/secret.hbs`, mode: '0400' }
  const { stdout } = await act(actor, options, target('web1'), { apply: false, diff: true })
  t.notMatch(stdout, 'key web1')
  t.match(stdout, 'the content is secret; not shown')
})
