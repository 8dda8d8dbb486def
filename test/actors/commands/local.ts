import t from 'tap'
import { local } from '../../../actors/commands/local.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'

const actor = local as Actor
const node = target('web1', {
  addresses: ['10.0.0.1', '10.0.0.9'],
  port: 2222,
  user: 'admin',
  macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
  vars: { rack: 'r 1', 'power-plug': 3, nested: { a: 1 }, evil: "$(touch x) ';" },
})

t.test('placeholders stand for the target, anything else after a percent sign stays', async t => {
  const run = async (command: string) => (await act(actor, command, node, { rank: 4, count: 9 })).stdout
  t.equal(await run('echo %h %n 100%% %s %d'), 'web1 4 100% %s %d\n')
})

t.test('what is known of the target is in the environment, and only there', async t => {
  const names = ['NODE', 'ADDRESS', 'PORT', 'USER', 'MAC', 'RANK', 'COUNT', 'VAR_RACK', 'VAR_POWER_PLUG', 'VAR_EVIL']
  const line = names.map(name => `echo "$STOKER_${name}"`).join('; ')
  const { stdout } = await act(actor, `${line}; echo "\${STOKER_VAR_NESTED-none}"`, node, { rank: 4, count: 9 })
  t.strictSame(stdout.trimEnd().split('\n'), [
    ...['web1', '10.0.0.1', '2222', 'admin', '52:54:00:00:00:01 52:54:00:00:00:02', '4', '9', 'r 1', '3'],
    ...["$(touch x) ';", 'none'],
  ])
})

t.test('a check shows the command as it would run', async t => {
  t.equal((await act(actor, 'ping %h', node, { apply: false })).stdout, 'would run here: ping web1\n')
})

t.test('the exit code is the outcome, and a command is wanted', async t => {
  t.match((await act(actor, 'exit 3', node)).outcome, { kind: 'failed', exitCode: 3 })
  t.throws(() => local.parse(''), { code: 'ACTOR_OPTION' })
})
