import { existsSync, readFileSync, realpathSync } from 'node:fs'
import t from 'tap'
import { command } from '../../../actors/commands/command.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { convergentContract, localHost, sshHosts } from '../../fixtures/contracts/convergent.ts'
import { act, target } from '../../fixtures/program/act.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox-root.ts'

const actor = command as Actor
const run = (options: object, apply = true) => act(actor, options, target('n1'), { apply })

await convergentContract(
  t,
  command,
  [
    {
      title: 'until something is there, until it is gone',
      options: ({ folder }) => ({ command: `echo made >${folder}/f`, creates: `${folder}/f` }),
      reverse: ({ folder }) => ({ command: `rm ${folder}/f`, removes: `${folder}/f` }),
    },
    {
      title: 'unless a condition holds, while one holds',
      before: ({ folder, sh }) => sh(`mkdir '${folder}/a b'`),
      options: ({ folder }) => ({ command: 'echo "it\'s" >f', unless: "grep it\\'s f", cwd: `${folder}/a b` }),
      reverse: ({ folder }) => ({ command: 'rm f', onlyif: '[ -e f ]', cwd: `${folder}/a b` }),
    },
  ],
  [localHost(t), ...(await sshHosts(t)), ...busyboxHosts(t)],
)

t.test('its output is shown, and counts as changed when there is no condition', async t => {
  t.match(await run({ command: 'echo out; echo err >&2' }), {
    outcome: { kind: 'ok', changed: true },
    stdout: 'out\nchanged echo out; echo err >&2: run\n',
    stderr: 'err\n',
  })
})

t.test('a check runs nothing but the conditions', async t => {
  const dir = t.testdir({})
  const { stdout, outcome } = await run({ command: `touch ${dir}/f`, unless: 'false' }, false)
  t.match(stdout, /^would change touch .*\.\.\.: run\n$/)
  t.match(outcome, { kind: 'ok', changed: true })
  t.notOk(existsSync(`${dir}/f`))
})

t.test('why it is not run is told', async t => {
  const dir = t.testdir({ there: '' })
  const reasons = [
    [{ creates: `${dir}/there` }, `${dir}/there is there`],
    [{ removes: `${dir}/gone` }, `${dir}/gone is not there`],
    [{ unless: 'true' }, 'the condition "unless" holds'],
    [{ onlyif: 'false' }, 'the condition "onlyif" does not hold'],
    [{ onlyif: 'true', unless: 'true' }, 'the condition "unless" holds'],
  ] as const
  for (const [options, detail] of reasons)
    t.strictSame((await run({ command: 'echo ran', ...options })).outcome, { kind: 'ok', changed: false, detail })
})

t.test('its exit code is the outcome, and it runs in its folder', async t => {
  const dir = realpathSync(t.testdir({}))
  t.match((await run({ command: 'exit 7' })).outcome, {
    kind: 'failed',
    exitCode: 7,
    error: { code: 'COMMAND_FAILED', message: 'command exit 7: exit code 7' },
  })
  t.match((await run({ command: 'pwd', cwd: dir })).stdout, `${dir}\n`)
  const gone = await run({ command: 'pwd', cwd: '/no/such/folder', creates: '/no/such/folder/f' })
  t.match(gone.outcome, { kind: 'failed' })
  t.match(gone.stderr, /no\/such\/folder/)
})

t.test('a condition which cannot be run is neither true nor false', async t => {
  for (const options of [{ unless: 'no-such-program-here' }, { onlyif: 'no-such-program-here' }]) {
    const { outcome } = await run({ command: 'echo ran', ...options })
    t.match(outcome, { kind: 'failed', error: { message: /cannot probe it: .*no-such-program-here.*not found/ } })
  }
})

t.test('commands of several lines run as they are written', async t => {
  const dir = t.testdir({})
  const text = `cat >${dir}/f <<'END'\nit's \\ $(x)\nEND\nfor i in 1 2; do echo $i >>${dir}/f; done`
  const { stdout } = await run({ command: text })
  t.equal(readFileSync(`${dir}/f`, 'utf8'), "it's \\ $(x)\n1\n2\n")
  t.match(stdout, /^changed cat .*\.\.\.: run\n$/)
})

t.test('a command is wanted', async t => {
  for (const options of [{}, { command: '' }, { command: ' \n' }, { command: 'a\0b' }])
    t.throws(() => command.parse(options), { code: 'ACTOR_OPTION', subject: 'command' })
  t.throws(() => command.parse({ command: 'x', cwd: 'relative' }), { code: 'ACTOR_OPTION', subject: 'cwd' })
  t.throws(() => command.parse({ command: 'x', only_if: 'y' }), { message: /did you mean "onlyif"/ })
})
