import { PassThrough } from 'node:stream'
import t from 'tap'
import { StokerError } from '../../../src/base/errors.ts'
import type { Target } from '../../../src/inventory/target.ts'
import { report } from '../../../src/report/report.ts'
import { sinks } from '../../../src/report/sink.ts'
import { type ResourcesOptions, resources } from '../../../src/report/views/resources.ts'
import type { ResourceResult, RunEvent } from '../../../src/run/event.ts'
import { ended, started, stream, target } from '../../fixtures/report/events.ts'

const result = (changes: Partial<ResourceResult> = {}): ResourceResult => ({
  resource: 'file /etc/motd',
  place: 0,
  state: 'changed',
  changes: [{ what: 'mode 0644 -> 0600' }],
  ...changes,
})
const came = (on: Target, changes: Partial<ResourceResult> = {}): RunEvent => ({
  kind: 'resource',
  target: on,
  result: result(changes),
})
const shown = async (events: readonly RunEvent[], options: Partial<ResourcesOptions> = {}, isTTY = false) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  if (isTTY) Object.assign(stdout, { isTTY })
  const both = sinks(stdout, stderr, {})
  const view = resources(both, { apply: true, verbose: false, quiet: false, ...options })
  const sum = await report(stream(events), [view])
  return { stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? ''), report: sum }
}
const [a, b, c] = [target('web1'), target('web2'), target('web3')] as const
const runOf = (...inner: readonly RunEvent[]): readonly RunEvent[] => {
  const all = [...new Set(inner.map(event => event.target))]
  return [...all.map(started), ...inner, ...all.map(one => ended(one))]
}

t.test('equal results of many targets are one line, in the order of the policy', async t => {
  const { stdout, stderr, report } = await shown(
    runOf(
      came(b, { resource: 'service nginx', place: 1, changes: [{ what: 'restart' }] }),
      ...[a, b, c].map(one => came(one)),
      came(a, { resource: 'service nginx', place: 1, state: 'ok', changes: [] }),
      came(c, { resource: 'service nginx', place: 1, state: 'ok', changes: [] }),
    ),
  )
  t.equal(stdout, 'web[1-3]: changed file /etc/motd: mode 0644 -> 0600\nweb2: changed service nginx: restart\n')
  t.equal(stderr, 'web[1,3]: 1 ok, 1 changed\nweb2: 2 changed\n')
  t.strictSame(report.resources, { ok: 2, changed: 4, failed: 0, skipped: 0 })
})

t.test('what differs stands apart, the larger group first', async t => {
  const { stdout } = await shown(
    runOf(
      came(a, { changes: [{ what: 'content', diff: '-a\n+b\n' }] }),
      came(b, { changes: [{ what: 'content', diff: '-c\n+b\n' }] }),
      came(c, { changes: [{ what: 'content', diff: '-c\n+b\n' }] }),
    ),
  )
  t.equal(stdout, 'web[2-3]: changed file /etc/motd: content\n-c\n+b\nweb1: changed file /etc/motd: content\n-a\n+b\n')
})

t.test('failures and skips say why, and what was done before', async t => {
  const error = new StokerError('ACTOR_FAILED', 'x', 'file /etc/motd: no space\nleft')
  const { stdout, stderr } = await shown(
    runOf(
      came(a, { state: 'failed', error }),
      came(a, { resource: 'b', place: 1, state: 'skipped', changes: [], detail: 'file /etc/motd failed' }),
      came(a, { resource: 'c', place: 2, state: 'skipped', changes: [], detail: 'when: facts.cpus > 2' }),
    ),
  )
  t.equal(
    stdout,
    'web1: failed file /etc/motd: no space left\n    done before: mode 0644 -> 0600\nweb1: skipped b: file /etc/motd failed\n',
  )
  t.equal(stderr, 'web1: 1 failed, 2 skipped\n')
  const conditions = runOf(came(a, { state: 'skipped', changes: [], detail: 'when: facts.cpus > 2' }))
  t.match((await shown(conditions, { verbose: true })).stdout, /skipped file .*: when: facts\.cpus > 2/)
})

t.test('a check says what would be, quietness leaves the counts out', async t => {
  const { stdout, stderr } = await shown(runOf(came(a)), { apply: false })
  t.equal(stdout, 'web1: would change file /etc/motd: mode 0644 -> 0600\n')
  t.equal(stderr, 'web1: 1 to change\n')
  t.equal((await shown(runOf(came(a)), { quiet: true })).stderr, '')
  t.equal((await shown(runOf(came(a, { state: 'ok', changes: [] })))).stdout, '')
})

t.test('text of a target does a terminal no harm', async t => {
  const { stdout } = await shown(
    runOf(came(a, { resource: 'x\u001b[2J', changes: [{ what: 'y\u0007', diff: '+\u001b[2J\n' }] })),
    {},
    true,
  )
  t.notOk(stdout.includes('\u001b[2J') || stdout.includes('\u0007'), stdout)
})

t.test('a run without a policy has no counts', async t => {
  const { stdout, stderr, report } = await shown([started(a), ended(a)])
  t.strictSame([stdout, stderr, report.resources], ['', '', undefined])
})
