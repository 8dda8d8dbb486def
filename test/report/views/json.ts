import t from 'tap'
import { report } from '../../../src/report/report.ts'
import { sinks } from '../../../src/report/sink.ts'
import { json } from '../../../src/report/views/json.ts'
import type { RunEvent } from '../../../src/run/event.ts'
import { ended, exited, Memory, ok, said, started, stream, target, wrong } from '../../fixtures/report/events.ts'

const now = () => Date.UTC(2024, 1, 29, 12)

const linesOf = async (events: readonly RunEvent[]) => {
  const out = new Memory()
  let clock = 0
  const wall = () => {
    clock += 1500.00049
    return clock
  }
  await report(stream(events), [json(sinks(out, new Memory(), {}).stdout, { now })], { now: wall })
  t.ok(out.text.endsWith('\n'))
  return out.text.trimEnd().split('\n')
}
const objects = async (events: readonly RunEvent[]) => (await linesOf(events)).map(line => JSON.parse(line))

t.test('every event is one line, and the report is the last', async t => {
  const via = [{ warehouse: 'file', path: ['@web', 'web1'] }]
  const web1 = target('web1', { addresses: ['10.0.0.1', 'fe80::1'], port: 2222, via })
  const db1 = target('db1')
  const refused = wrong('unreachable', 'CONNECT_FAILED', 'connection refused', '10.0.0.9:22')
  t.strictSame(
    await objects([
      started(web1),
      started(db1),
      said(web1, 'hello\n'),
      said(web1, 'oops\n', 'stderr'),
      ended(web1, exited(3), { connect: 1.23456, auth: 2, command: 3, total: 6.2 }),
      ended(db1, refused, { total: 1200 }),
      ended(target('db2'), { kind: 'not-started' }, { total: 0 }),
      ended(target('db3'), ok('0.3 ms', true), { total: 7 }),
    ]),
    [
      { kind: 'started', node: 'web1', address: '10.0.0.1', port: 2222, at: '2024-02-29T12:00:00.000Z' },
      { kind: 'started', node: 'db1', address: 'db1', at: '2024-02-29T12:00:00.000Z' },
      { kind: 'output', node: 'web1', stream: 'stdout', text: 'hello\n' },
      { kind: 'output', node: 'web1', stream: 'stderr', text: 'oops\n' },
      {
        kind: 'finished',
        node: 'web1',
        outcome: 'failed',
        exitCode: 3,
        error: { code: 'COMMAND_FAILED', message: 'exit code 3' },
        timing: { connect: 1.235, auth: 2, command: 3, total: 6.2 },
        via,
      },
      {
        kind: 'finished',
        node: 'db1',
        outcome: 'unreachable',
        error: { code: 'CONNECT_FAILED', message: 'connection refused', detail: '10.0.0.9:22' },
        timing: { total: 1200 },
        via: db1.via,
      },
      { kind: 'finished', node: 'db2', outcome: 'not-started', timing: { total: 0 }, via: target('db2').via },
      {
        kind: 'finished',
        node: 'db3',
        outcome: 'ok',
        changed: true,
        detail: '0.3 ms',
        timing: { total: 7 },
        via: target('db3').via,
      },
      {
        kind: 'report',
        total: 4,
        counts: { ok: 1, failed: 1, unreachable: 1, 'timed-out': 0, cancelled: 0, 'not-started': 1 },
        changed: 1,
        wall: 1500,
        largestExitCode: 3,
        failures: [
          {
            outcome: 'failed',
            exitCode: 3,
            error: { code: 'COMMAND_FAILED', message: 'exit code 3' },
            nodes: ['web1'],
          },
          {
            outcome: 'unreachable',
            error: { code: 'CONNECT_FAILED', message: 'connection refused', details: ['10.0.0.9:22'] },
            nodes: ['db1'],
          },
          { outcome: 'not-started', nodes: ['db2'] },
        ],
        slowest: [
          { node: 'db1', total: 1200 },
          { node: 'db3', total: 7 },
          { node: 'web1', total: 6.2 },
          { node: 'db2', total: 0 },
        ],
      },
    ],
  )
})

t.test('characters cut between two chunks stay whole, and other targets do not disturb them', async t => {
  const [a, b] = [target('a'), target('b')]
  const bytes = Buffer.from('ä')
  const found = await objects([
    said(a, bytes.subarray(0, 1)),
    said(b, 'x'),
    said(a, 'e', 'stderr'),
    said(a, bytes.subarray(1)),
    said(b, bytes.subarray(0, 1)),
    ended(a),
    ended(b),
  ])
  t.strictSame(
    found.filter(({ kind }) => kind === 'output'),
    [
      { kind: 'output', node: 'b', stream: 'stdout', text: 'x' },
      { kind: 'output', node: 'a', stream: 'stderr', text: 'e' },
      { kind: 'output', node: 'a', stream: 'stdout', text: 'ä' },
      { kind: 'output', node: 'b', stream: 'stdout', base64: 'ww==' },
    ],
    'half a character at the end comes as base64, before the target ends',
  )
})

t.test('a line holds nothing which a terminal obeys, and parses back to the same', async t => {
  const evil = '\u001b[2J\u009b2J\u202e\u007f\n\u2028'
  const [line = ''] = await linesOf([said(target('a'), evil)])
  t.match(line, /^[\x20-\x7e]+$/)
  t.equal(JSON.parse(line).text, evil)
})
