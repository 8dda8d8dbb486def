import t from 'tap'
import { StokerError } from '../../src/base/errors.ts'
import { formatLine, type Line, parseLine, type RunHead } from '../../src/journal/entries.ts'
import type { RunEvent } from '../../src/run/event.ts'
import { target } from '../fixtures/program/act.ts'

const one = target('web1', {
  addresses: ['10.0.0.1'],
  port: 2222,
  vars: { rack: 1 },
  via: [{ warehouse: 'file', path: ['@web', 'web1'] }],
})
const head: RunHead = {
  ...{ id: '20261121-105830-k7qz', version: '1', at: 5, command: 'run', words: ['shell', 'echo "é\n"'] },
  ...{ expression: '@web', flags: { fanout: 3 }, folder: '/tmp', input: false, targets: [one, target('web2')] },
}
const placeOf = (which: { readonly name: string }) => head.targets.findIndex(({ name }) => name === which.name)

const error = new StokerError('CONNECT_FAILED', 'web1', 'refused', { detail: '10.0.0.1:22' })
const events: readonly RunEvent[] = [
  { kind: 'started', target: one },
  { kind: 'output', target: one, output: { stream: 'stderr', data: Buffer.from([0, 255, 10, 233]) } },
  { kind: 'output', target: one, output: { stream: 'stdout', data: Buffer.from('x') } },
  {
    kind: 'resource',
    target: one,
    result: { resource: 'file /a', place: 0, state: 'failed', changes: [{ what: 'x' }], error },
  },
  { kind: 'finished', target: one, outcome: { kind: 'unreachable', error }, timing: { connect: 1, total: 2 } },
  { kind: 'finished', target: one, outcome: { kind: 'ok', changed: true, detail: 'd' }, timing: { total: 2 } },
  { kind: 'finished', target: one, outcome: { kind: 'not-started' }, timing: { total: 0 } },
]
const lines: readonly Line[] = [
  { kind: 'run', head },
  { kind: 'began', n: 1, at: 7 },
  { kind: 'truncated', n: 0 },
  { kind: 'ended', at: 9, exitCode: 4 },
  ...events.map((event): Line => ({ kind: 'event', event })),
]
for (const line of lines)
  t.test(`what is written is read again: ${line.kind === 'event' ? line.event.kind : line.kind}`, async t => {
    const text = formatLine(line, placeOf)
    t.equal(text.indexOf('\n'), text.length - 1, 'one line')
    t.strictSame(parseLine(text, head), line)
  })

t.test('journals which were written can be read, and those of another format cannot', async t => {
  const text = (format: unknown) =>
    JSON.stringify({ kind: 'run', format, ...head, targets: [{ name: 'web1', names: ['web1'], addresses: [] }] })
  t.match(parseLine(text(1), undefined), { kind: 'run', head: { id: head.id, targets: [{ name: 'web1' }] } })
  for (const format of [2, '1', undefined]) t.equal(parseLine(text(format), undefined), undefined, `${format}`)
})

t.test('a line which was cut off, anywhere, is no line', async t => {
  for (const line of lines.slice(1)) {
    const text = formatLine(line, placeOf).trimEnd()
    for (let end = 0; end < text.length; end++) t.equal(parseLine(text.slice(0, end), head), undefined)
  }
})

t.test('a line about a target which the run does not have is no line', async t => {
  t.equal(parseLine('{"kind":"began","n":2,"at":1}', head), undefined)
  t.equal(parseLine('{"kind":"began","n":-1,"at":1}', head), undefined)
  t.equal(parseLine('{"kind":"began","n":0,"at":1}', undefined), undefined)
  t.equal(parseLine('{"kind":"other","n":0}', head), undefined)
})
