import t from 'tap'
import { shell } from '../../../actors/commands/shell.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'

const actor = shell as Actor

t.test('a command runs on the target, and its exit code is the outcome', async t => {
  t.strictSame(await act(actor, 'echo out; echo err >&2', target('n1')), {
    outcome: { kind: 'ok', changed: true },
    stdout: 'out\n',
    stderr: 'err\n',
  })
  t.match((await act(actor, 'exit 7', target('n1'))).outcome, { kind: 'failed', exitCode: 7 })
  t.match((await act(actor, 'kill -KILL $$', target('n1'))).outcome, { kind: 'failed', signal: 'KILL' })
})

t.test('a check runs nothing and shows the command', async t => {
  const file = `${t.testdir()}/touched`
  const { stdout } = await act(actor, `touch ${file}`, target('n1'), { apply: false })
  t.equal(stdout, `would run: touch ${file}\n`)
  t.notOk((await import('node:fs')).existsSync(file))
})

t.test('a command is wanted', async t => {
  for (const nothing of ['', '  ', undefined, {}, 'a\0b'])
    t.throws(() => shell.parse(nothing), { code: 'ACTOR_OPTION', message: /needs a command/ })
})
