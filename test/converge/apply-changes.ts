import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { StokerError } from '../../src/base/errors.ts'
import { applyChanges } from '../../src/converge/apply-changes.ts'
import { contentOf } from '../../src/converge/content.ts'
import type { Change, Step } from '../../src/converge/convergent.ts'
import { sourcesIn } from '../../src/converge/materials.ts'
import { withShell } from '../../src/converge/remote-shell.ts'
import { target } from '../fixtures/program/act.ts'
import { type Counted, counted, shells } from '../fixtures/roots/shells.ts'

const io = { signal: new AbortController().signal }

const run = (script: string, show = false): Step => ({ kind: 'run', script, show })
const write = (path: string, data: string | Uint8Array, mode = 0o640): Step => ({
  kind: 'write',
  path,
  content: contentOf(data),
  attributes: { mode },
})
const change = (what: string, ...steps: Step[]): Change => ({ what, steps })

/** What it yields, one text each, and the outcome. */
const carry = async (changes: readonly Change[], connection: Counted = counted()) => {
  const told: string[] = []
  await using kept = withShell(connection, io)
  const running = applyChanges('thing /x', changes, kept, io)
  for (;;) {
    const step = await running.next()
    if (step.done) return { told, outcome: step.value, execs: connection.commands.length }
    told.push(step.value.kind === 'done' ? step.value.change.what : Buffer.from(step.value.output.data).toString())
  }
}

const folder = (t: Test) => t.testdir({})

for (const shell of shells())
  t.test(`${shell}: steps run in order and in one exec, files among them`, async t => {
    const dir = folder(t)
    const changes = [
      change('one', run(`echo 1 >>${dir}/log`), write(`${dir}/it's $(x)`, 'a\0b\n'), run(`echo 2 >>${dir}/log`)),
      change('two', run(`cat "${dir}/it's \\$(x)" >>${dir}/log; echo shown; echo and this >&2`, true)),
      change('three', run('echo not shown'), run(`echo 3 >>${dir}/log`)),
    ]
    const { told, outcome, execs } = await carry(changes, counted(shell))
    t.strictSame(outcome, { kind: 'ok', changed: true })
    t.strictSame(
      told.filter(text => !text.includes('\n')),
      ['one', 'two', 'three'],
    )
    t.strictSame(told.filter(text => text.includes('\n')).sort(), ['and this\n', 'shown\n'])
    t.equal(readFileSync(`${dir}/log`, 'utf8'), '1\n2\na\0b\n3\n')
    t.equal(statSync(`${dir}/it's $(x)`).mode & 0o777, 0o640)
    t.equal(execs, 1)
  })

t.test('the first failure is the end, and says what failed and why', async t => {
  const dir = folder(t)
  const { told, outcome } = await carry([
    change('one', run('true')),
    change('two', run('echo first >&2; echo "E: no such package" >&2; exit 100'), run(`touch ${dir}/never`)),
    change('three', run(`touch ${dir}/never`)),
  ])
  t.strictSame(told, ['one'])
  t.match(outcome, {
    kind: 'failed',
    exitCode: 100,
    error: { code: 'ACTOR_FAILED', message: 'thing /x: two: first; E: no such package (exit code 100)' },
  })
  t.notOk(existsSync(`${dir}/never`))
  const quiet = await carry([change('one', run('echo only on stdout; exit 1'))])
  t.match(quiet.outcome, { error: { message: 'thing /x: one: only on stdout (exit code 1)' } })
  const silent = await carry([change('one', run('exit 7'))])
  t.match(silent.outcome, { error: { message: 'thing /x: one: exit code 7' } })
})

t.test('a shown command which fails is not told twice', async t => {
  const { told, outcome } = await carry([change('run', run('echo why >&2; exit 4', true))])
  t.strictSame(told, ['why\n'])
  t.match(outcome, { kind: 'failed', exitCode: 4, error: { code: 'COMMAND_FAILED', message: 'thing /x: exit code 4' } })
})

t.test('what is shown comes while it runs', async t => {
  const fifo = `${folder(t)}/go`
  await using connection = withShell(counted(), io)
  const script = `mkfifo ${fifo}; printf '50 %%'; read x <${fifo}; echo done`
  const running = applyChanges('x', [change('run', run(script, true))], connection, io)
  const first = await running.next()
  t.match(first.value, { kind: 'output', output: { data: Buffer.from('50 %') } })
  await writeFile(fifo, 'go\n')
  t.match((await running.next()).value, { output: { data: Buffer.from('done\n') } })
  t.match((await running.next()).value, { kind: 'done' })
  t.match((await running.next()).value, { kind: 'ok' })
})

t.test('a shown command has the language of who logs in, others have C', async t => {
  const { told } = await carry([change('run', run('echo "$LC_ALL."', true)), change('quiet', run('[ "$LC_ALL" = C ]'))])
  t.strictSame(told, [`${process.env.LC_ALL ?? ''}.\n`, 'run', 'quiet'])
})

t.test('a shell which is killed is told as that', async t => {
  const { outcome } = await carry([change('one', run('kill -s KILL $$')), change('two', run('true'))])
  t.match(outcome, { error: { message: 'thing /x: one: the shell on the target ended early (signal KILL)' } })
})

t.test('bytes of every kind and size arrive as they are', async t => {
  const dir = folder(t)
  const every = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7) & 255))
  const contents = {
    empty: Buffer.alloc(0),
    '-dash': Buffer.from('-n %s \\n $HOME `x` \'"\n'),
    "new\nline ü '": Buffer.from('ünï\n'),
    every: every,
    percent: Buffer.from('%s%d\\0%%\0'),
    'not utf-8': Buffer.from([0xff, 0xfe, 0x41]),
    edge: Buffer.alloc(65_536, every),
    past: Buffer.alloc(65_537, every),
    large: Buffer.alloc(3_000_000, every),
  }
  const changes = Object.entries(contents).map(([name, data]) => change(name, write(`${dir}/${name}`, data)))
  const { outcome, execs } = await carry(changes)
  t.match(outcome, { kind: 'ok' })
  for (const [name, data] of Object.entries(contents)) t.ok(readFileSync(`${dir}/${name}`).equals(data), name)
  t.strictSame(readdirSync(dir).sort(), Object.keys(contents).sort())
  t.equal(execs, 3, 'the large ones have an exec of their own')
})

t.test('a source which changes while it is sent leaves the old file, and says why', async t => {
  const dir = t.testdir({ source: 'x'.repeat(200_000), there: 'old' })
  const { materials } = sourcesIn({ files: dir, templates: dir, confined: true })
  const content = await materials(target('n'), {}, io).file('source')
  await writeFile(`${dir}/source`, 'y'.repeat(200_000))
  const step: Step = { kind: 'write', path: `${dir}/there`, content, attributes: {} }
  await t.rejects(carry([change('one', step)]), { code: 'CONFIG', message: /"source" was changed while/ })
  t.equal(readFileSync(`${dir}/there`, 'utf8'), 'old')
  t.strictSame(readdirSync(dir).sort(), ['source', 'there'])
})

t.test('nothing of what is carried out stands in the list of processes', async t => {
  const secret = `secret-${process.pid}`
  const connection = counted()
  const { told } = await carry(
    [change('one', run(`grep -la ${secret} /proc/[0-9]*/cmdline 2>/dev/null; :`, true))],
    connection,
  )
  // grep itself has it in its arguments, and nobody else.
  t.ok(
    told
      .filter(text => text.includes('/proc/'))
      .join('')
      .trim()
      .split('\n').length <= 1,
  )
  for (const { line } of connection.commands) t.notOk(line.includes(secret))
})

t.test('an abort ends it, and throws its reason', async t => {
  const abort = new AbortController()
  const bare = counted()
  const connection = withShell(bare, abort)
  const running = applyChanges('x', [change('run', run('echo up; sleep 600', true))], connection, abort)
  await running.next()
  abort.abort(new StokerError('TIMED_OUT', 'n', 'too late'))
  await t.rejects(running.next(), { code: 'TIMED_OUT' })
  await connection[Symbol.asyncDispose]()
})
