import t from 'tap'
import { exitCode, report, type View } from '../../src/report/report.ts'
import type { RunEvent } from '../../src/run/event.ts'
import { ended, exited, ok, said, started, stream, target, targets, wrong } from '../fixtures/report/events.ts'

const gone = (name: string, ms = 1) =>
  ended(target(name), wrong('unreachable', 'CONNECT_FAILED', 'no route'), { total: ms })

t.test('the report counts every outcome, and tells changed ones, the slowest and the wall time', async t => {
  const times = [5, 10]
  const all = await report(
    stream([
      ended(target('a'), ok(undefined, true), { total: 50 }),
      ended(target('b'), ok(), { total: 400 }),
      ended(target('c'), exited(3), { total: 30 }),
      ended(target('d'), exited(300), { total: 20 }),
      gone('e', 10),
      ended(target('f'), wrong('timed-out', 'TIMED_OUT', 'late'), { total: 60 }),
      ended(target('g'), wrong('cancelled', 'CANCELLED', 'stopped'), { total: 5 }),
      ended(target('h'), { kind: 'not-started' }, { total: 0 }),
    ]),
    [],
    { now: () => times.shift() ?? 0 },
  )
  t.match(all, { total: 8, changed: 1, wall: 5, largestExitCode: 300 })
  t.strictSame(all.counts, {
    ok: 2,
    failed: 2,
    unreachable: 1,
    'timed-out': 1,
    cancelled: 1,
    'not-started': 1,
    unknown: 0,
  })
  t.strictSame(
    all.slowest.map(({ target }) => target.name),
    ['b', 'f', 'a', 'c', 'd'],
  )
  t.strictSame(
    all.results.map(({ target }) => target.name),
    [...'abcdefgh'],
  )
})

t.test('equal failures are one group; what differs from target to target stands beside the message', async t => {
  const node = (name: string, address: string) =>
    target(name, { names: [name, `${name}.example.org`], addresses: [address] })
  const refused = (address: string) => wrong('unreachable', 'CONNECT_FAILED', 'connection refused', `${address}:22`)
  const { failures } = await report(
    stream([
      ended(node('a', '10.0.0.1'), refused('10.0.0.1')),
      ended(node('b', '10.0.0.2'), refused('10.0.0.2')),
      ended(node('c', '10.0.0.3'), wrong('failed', 'ACTOR_FAILED', 'c.example.org has no room (10.0.0.3)')),
      ended(node('d', '10.0.0.4'), wrong('failed', 'ACTOR_FAILED', 'd.example.org has no room (10.0.0.4)')),
      ended(node('e', '10.0.0.5'), wrong('failed', 'ACTOR_FAILED', 'e has something else')),
      ended(node('f', '10.0.0.6'), exited(3)),
      ended(node('g', '10.0.0.7'), exited(4)),
      ended(node('h', '10.0.0.8'), { kind: 'not-started' }),
      ended(node('i', '10.0.0.9'), ok('a detail')),
    ]),
    [],
  )
  t.strictSame(
    failures.map(({ targets, kind, message, details, exitCode }) => [
      targets.map(({ name }) => name).join(''),
      kind,
      message,
      details,
      exitCode,
    ]),
    [
      ['cd', 'failed', '<node> has no room (<address>)', [], undefined],
      ['e', 'failed', 'e has something else', [], undefined],
      ['f', 'failed', 'exit code 3', [], 3],
      ['g', 'failed', 'exit code 4', [], 4],
      ['ab', 'unreachable', 'connection refused', ['10.0.0.1:22', '10.0.0.2:22'], undefined],
      ['h', 'not-started', 'the run was stopped before its turn', [], undefined],
    ],
  )
})

t.test('every view sees every event in order, and the run waits for the slowest', async t => {
  const seen: string[] = []
  const a = target('a')
  const waits = Promise.withResolvers<void>()
  const slow: View = {
    async event({ kind }) {
      if (kind === 'started') await waits.promise
      seen.push(`slow ${kind}`)
    },
    end: async () => void seen.push('slow end'),
    [Symbol.asyncDispose]: async () => void seen.push('slow disposed'),
  }
  const quick: View = {
    event: ({ kind }) => void seen.push(`quick ${kind}`),
    end: ({ total }) => void seen.push(`quick end ${total}`),
  }
  let asked = 0
  const events = (async function* (): AsyncGenerator<RunEvent, void, void> {
    for (const event of [started(a), said(a, 'x'), ended(a)]) {
      asked++
      yield event
    }
  })()
  const all = report(events, [slow, quick])
  await new Promise(setImmediate)
  t.equal(asked, 1, 'no event is asked for while a view is busy')
  waits.resolve()
  await all
  t.strictSame(seen, [
    ...['started', 'output', 'finished'].flatMap(kind => [`slow ${kind}`, `quick ${kind}`]),
    'slow end',
    'quick end 1',
    'slow disposed',
  ])
})

t.test(
  'a view which throws ends the run: the events are told, the views are disposed, the error comes out',
  async t => {
    const seen: string[] = []
    const events = (async function* (): AsyncGenerator<RunEvent, void, void> {
      try {
        for (;;) yield started(target('a'))
      } finally {
        seen.push('events ended')
      }
    })()
    const broken: View = {
      event() {
        throw new Error('no space')
      },
      end: () => void seen.push('end'),
      [Symbol.asyncDispose]: async () => void seen.push('disposed'),
    }
    await t.rejects(report(events, [broken]), { message: 'no space' })
    t.strictSame(seen, ['events ended', 'disposed'])
  },
)

t.test('exit codes', async t => {
  const [a, b, c] = targets('n', 3) as [ReturnType<typeof target>, ReturnType<typeof target>, ReturnType<typeof target>]
  const late = ended(b, wrong('timed-out', 'TIMED_OUT', 'late'))
  const lost = ended(b, wrong('failed', 'CONNECTION_LOST', 'lost'))
  const skipped = ended(c, { kind: 'not-started' })
  const killed = ended(a, { ...wrong('failed', 'COMMAND_FAILED', 'ended by signal KILL'), signal: 'KILL' } as never)
  // events, exit code, with -S
  const cases: readonly (readonly [string, readonly RunEvent[], number, number])[] = [
    ['no target', [], 0, 0],
    ['all ok', [ended(a), ended(b)], 0, 0],
    ['one failed', [ended(a), ended(b, exited(3))], 1, 3],
    ['the largest counts', [ended(a, exited(2)), ended(b, exited(7)), ended(c, exited(5))], 1, 7],
    ['larger than an exit code can be', [ended(a, exited(256))], 1, 255],
    ['a failure beside an unreachable one', [ended(a, exited(3)), gone('x')], 1, 3],
    ['unreachable', [ended(a), gone('x')], 4, 255],
    ['timed out', [ended(a), late], 4, 255],
    ['not started', [ended(a), skipped], 4, 255],
    ['failed without an exit code', [ended(a), lost], 1, 255],
    ['ended by a signal', [killed], 1, 255],
  ]
  for (const [title, events, normal, worst] of cases) {
    const all = await report(stream(events), [])
    t.equal(exitCode(all, { worst: false, interrupted: false }), normal, title)
    t.equal(exitCode(all, { worst: true, interrupted: false }), worst, `${title}, -S`)
    t.equal(exitCode(all, { worst: true, interrupted: true }), 130, `${title}, interrupted`)
  }
})
