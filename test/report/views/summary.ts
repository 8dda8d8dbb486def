import t from 'tap'
import { report } from '../../../src/report/report.ts'
import { sinks } from '../../../src/report/sink.ts'
import { type SummaryOptions, summary } from '../../../src/report/views/summary.ts'
import type { RunEvent } from '../../../src/run/event.ts'
import { ended, exited, Memory, ok, stream, target, targets, wrong } from '../../fixtures/report/events.ts'

const shown = async (events: readonly RunEvent[], options: Partial<SummaryOptions> = {}, isTTY = false) => {
  const err = new Memory({ isTTY })
  const times = [0, 2340]
  const view = summary(sinks(new Memory(), err, { TERM: 'xterm' }).stderr, { verbose: false, quiet: false, ...options })
  await report(stream(events), [view], { now: () => times.shift() ?? 0 })
  return err.text.split('\n').slice(0, -1)
}
const refused = (detail: string) => wrong('unreachable', 'CONNECT_FAILED', 'connection refused', detail)

t.test('counts come first, then what went wrong where', async t => {
  const web = targets('web', 14)
  const lines = await shown([
    ...web.map(node => ended(node, node.name === 'web3' || node.name === 'web4' ? exited(3) : ok(undefined, true))),
    ended(target('db1'), refused('10.0.0.9:22')),
  ])
  t.strictSame(lines, [
    '15 targets: 12 ok, 2 failed, 1 unreachable in 2.3 s',
    'failed: web[3-4] (2): exit code 3',
    'unreachable: db1: connection refused (10.0.0.9:22)',
  ])
})

t.test('small cases read well', async t => {
  t.strictSame(await shown([]), ['0 targets: nothing to do in 2.3 s'])
  t.strictSame(await shown([ended(target('a'))]), ['1 target: 1 ok in 2.3 s'])
  t.strictSame(await shown([ended(target('a'), ok(undefined, true)), ended(target('b'))]), [
    '2 targets: 2 ok (1 changed) in 2.3 s',
  ])
})

t.test('an exit code, a signal and many addresses are told beside the message', async t => {
  const error = wrong('failed', 'ACTOR_FAILED', 'cannot install nginx')
  const lines = await shown([
    ended(target('a'), { ...error, exitCode: 100 } as never),
    ended(target('b'), { ...error, signal: 'KILL' } as never),
    ...targets('c', 5).map((node, index) => ended(node, refused(`10.0.0.${index}:22`))),
  ])
  t.strictSame(lines.slice(1), [
    'failed: a: cannot install nginx (exit code 100)',
    'failed: b: cannot install nginx (signal KILL)',
    'unreachable: c[1-5] (5): connection refused (10.0.0.0:22, 10.0.0.1:22, 10.0.0.2:22, ...)',
  ])
})

t.test('text from remote sides does a terminal no harm', async t => {
  const lines = await shown([
    ended(target('a'), wrong('failed', 'ACTOR_FAILED', 'bad\n\u001b[2Jnews', '\u009b')),
    ended(target('b'), ok('\u0007')),
  ])
  t.strictSame(lines.slice(1), ['failed: a: bad ^[[2Jnews (\\u009b)', 'ok: b: ^G'])
})

t.test('details of ok targets come in compact form, and not too many of them', async t => {
  const web = targets('web', 3)
  t.strictSame((await shown(web.map((node, index) => ended(node, ok(`0.${index + 1} ms`))))).slice(1), [
    'ok: web[1-3] (3): 0.1/0.2/0.3 ms (min/avg/max)',
  ])
  const many = targets('n', 13).map(node => ended(node, ok(`release ${'x'.repeat(Number(node.name.slice(1)))}`)))
  const lines = await shown(many)
  t.equal(lines.length, 12)
  t.equal(lines.at(-1), 'ok: 3 more lines (-v shows them)')
  t.equal((await shown(many, { verbose: true })).filter(line => line.startsWith('ok: ')).length, 13)
})

t.test('the slowest are named when there was something to wait for', async t => {
  const slow = (count: number, ms: number) =>
    targets('n', count).map((node, index) => ended(node, ok(), { total: ms + index * 100 }))
  t.strictSame((await shown(slow(6, 1000))).slice(1), ['slowest: n6 1.5 s, n5 1.4 s, n4 1.3 s'])
  t.strictSame((await shown(slow(6, 100))).slice(1), [])
  t.strictSame((await shown(slow(4, 9000))).slice(1), [])
})

t.test('a target which was named in several ways is told, once', async t => {
  const via = (...paths: string[][]) => ({ via: paths.map(path => ({ warehouse: 'file', path })) })
  const lines = await shown([
    ended(target('a1', via(['a1'], ['@all', 'a1']))),
    ended(target('a2', via(['www'], ['a2']))),
    ended(target('a3', via(['@all', '@x', 'a3'], ['@all', '@y', 'a3']))),
  ])
  t.strictSame(lines.slice(1), ['named more than once, acted on once: a[1-2] (2)'])
})

t.test('verbose shows where the time of each target went, and the ways that led to it', async t => {
  const via = [
    { warehouse: 'file', path: ['web1'] },
    { warehouse: 'ldap', path: ['@web', 'web1'] },
  ]
  const lines = await shown(
    [
      ended(target('web1', { via }), ok(), { connect: 12.3, auth: 8, command: 1500, total: 1520.3 }),
      ended(target('db1'), refused('10.0.0.9:22'), { total: 3 }),
    ],
    { verbose: true },
  )
  t.strictSame(lines.slice(0, 3), [
    'target  outcome      connect  auth  command  total  via',
    'web1    ok             12 ms  8 ms    1.5 s  1.5 s  web1 (file), @web > web1 (ldap)',
    'db1     unreachable        -     -        -   3 ms  db1 (file)',
  ])
})

t.test('quiet says nothing when all is well, and only what is wrong else', async t => {
  t.strictSame(await shown([ended(target('a'), ok('0.1 ms'))], { quiet: true }), [])
  t.strictSame(await shown([ended(target('a'), ok('0.1 ms')), ended(target('b'), exited(1))], { quiet: true }), [
    '2 targets: 1 ok, 1 failed in 2.3 s',
    'failed: b: exit code 1',
  ])
})

t.test('colours are for terminals only', async t => {
  const events = [ended(target('a')), ended(target('b'), exited(1)), ended(target('c'), { kind: 'not-started' })]
  t.notMatch((await shown(events)).join(), '\u001b')
  const [counts = ''] = await shown(events, {}, true)
  t.equal(
    counts,
    '3 targets: \u001b[32m1 ok\u001b[39m, \u001b[31m1 failed\u001b[39m, \u001b[33m1 not-started\u001b[39m in 2.3 s',
  )
})
