import { getEventListeners } from 'node:events'
import t, { type Test } from 'tap'
import { pause } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { parseNodeName } from '../../src/base/names.ts'
import type { Connection, Connector, Output } from '../../src/connection/connection.ts'
import { sourcesIn } from '../../src/converge/materials.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import type { RunEvent } from '../../src/run/event.ts'
import type { Outcome } from '../../src/run/outcome.ts'
import type { Rolling } from '../../src/run/rolling.ts'
import { type Schedule, schedule } from '../../src/run/schedule.ts'
import { type Clock, startClock } from '../fixtures/clock.ts'

const target = (name: string): Target => ({
  name: parseNodeName(name),
  names: [name],
  addresses: [],
  port: undefined,
  user: undefined,
  macs: [],
  vars: {},
  via: [],
})
const targets = (count: number) => Array.from({ length: count }, (_, i) => target(`n${i}`))

const nothing: Connection = {
  timing: { connect: 1, auth: 2 },
  // biome-ignore lint/correctness/useYield: a connection nobody speaks over
  async *exec() {
    return { kind: 'code', code: 0 }
  },
  read: async () => undefined,
  write: async () => {},
  async [Symbol.asyncDispose]() {},
}
const connector = (connect: Connector['connect'] = async () => nothing): Connector => ({
  descriptors: 1,
  prepare: async () => {},
  connect,
  async [Symbol.asyncDispose]() {},
})
const actor = (act: (target: Target, job: Job) => AsyncGenerator<Output, Outcome, void>): Actor<undefined> => ({
  name: 'test',
  summary: '',
  takes: 'text',
  connects: true,
  parse: () => undefined,
  act: (target, _, job) => act(target, job),
})
const { materials } = sourcesIn({ files: '.', templates: '.', confined: false })
const how = (changes: Partial<Schedule> = {}): Schedule => ({
  fanout: 4,
  apply: true,
  diff: false,
  materials: (target, _, io) => materials(target, {}, io),
  connector: connector(),
  here: () => nothing,
  connectTimeout: 0,
  commandTimeout: 0,
  connectRate: 0,
  signal: new AbortController().signal,
  ...changes,
})
const outcomes = async (events: AsyncIterable<RunEvent>) => {
  const all = new Map<string, string>()
  for await (const event of events) {
    if (event.kind !== 'finished') continue
    if (all.has(event.target.name)) throw new Error(`${event.target.name} finished twice`)
    all.set(event.target.name, event.outcome.kind)
  }
  return all
}
const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
const ok: Outcome = { kind: 'ok', changed: true }

t.test('the window slides: never more at once than the fanout, and a slow target holds nobody up', async t => {
  let running = 0
  let most = 0
  let done = 0
  const gate = Promise.withResolvers<void>()
  const worker = actor(async function* (target) {
    running += 1
    most = Math.max(most, running)
    if (target.name === 'n0') await gate.promise
    yield { stream: 'stdout', data: Buffer.from(target.name) }
    running -= 1
    done += 1
    if (done === 19) gate.resolve()
    return ok
  })
  const all = await outcomes(schedule(targets(20), worker, undefined, how()))
  t.equal(all.size, 20)
  t.equal(most, 4)
})

t.test('every target has one outcome, of the kind that its end means', async t => {
  const worker = actor(async function* (target, job) {
    switch (target.name) {
      case 'n0':
        return ok
      case 'n1':
        throw new Error('a bug in the actor')
      case 'n2':
        throw new StokerError('CONNECT_FAILED', 'n2', 'connection refused')
      case 'n3':
        await job.connect()
        return await forever(job.signal)
      case 'n4':
        throw 'not even an error'
      default:
        yield { stream: 'stderr', data: Buffer.from('x') }
        return { kind: 'failed', error: new StokerError('COMMAND_FAILED', 'n5', 'exit code 3'), exitCode: 3 }
    }
  })
  const all = await outcomes(schedule(targets(6), worker, undefined, how({ commandTimeout: 20 })))
  t.strictSame([...all.values()].sort(), ['failed', 'failed', 'failed', 'ok', 'timed-out', 'unreachable'])
  t.equal(all.get('n3'), 'timed-out')
})

t.test('a connection which takes too long is unreachable, whatever the limit of the command', async t => {
  const worker = actor(async function* (_, job) {
    await job.connect()
    yield { stream: 'stdout', data: Buffer.from('never') }
    return ok
  })
  const slow = connector((_, { signal }) => forever(signal))
  const events = schedule(
    targets(3),
    worker,
    undefined,
    how({ connectTimeout: 20, commandTimeout: 5, connector: slow }),
  )
  t.strictSame([...(await outcomes(events)).values()], ['unreachable', 'unreachable', 'unreachable'])
})

t.test('a stopped run tells who was cancelled and who never started', async t => {
  const abort = new AbortController()
  const worker = actor(async function* (target, job) {
    yield { stream: 'stdout', data: Buffer.from('begun') }
    if (target.name === 'n0') return ok
    return await forever(job.signal)
  })
  const kinds = new Map<string, number>()
  let begun = 0
  for await (const event of schedule(targets(10), worker, undefined, how({ fanout: 3, signal: abort.signal }))) {
    if (event.kind === 'output' && ++begun === 4) abort.abort(new Error('stop'))
    if (event.kind === 'finished') kinds.set(event.outcome.kind, (kinds.get(event.outcome.kind) ?? 0) + 1)
  }
  t.strictSame(Object.fromEntries(kinds), { ok: 1, cancelled: 3, 'not-started': 6 })
})

t.test('a run which is stopped before it begins starts nothing', async t => {
  const worker = actor(async function* () {
    yield { stream: 'stdout', data: Buffer.from('x') }
    throw new Error('must not run')
  })
  const all = await outcomes(schedule(targets(3), worker, undefined, how({ signal: AbortSignal.abort() })))
  t.strictSame([...all.values()], ['not-started', 'not-started', 'not-started'])
})

t.test('a slow reader makes the targets wait: nothing piles up', async t => {
  let produced = 0
  const worker = actor(async function* () {
    for (let i = 0; i < 10_000; i++) {
      produced += 1
      yield { stream: 'stdout', data: Buffer.alloc(1) }
    }
    return ok
  })
  const events = schedule(targets(2), worker, undefined, how())
  for (let i = 0; i < 3; i++) await events.next()
  await new Promise(setImmediate)
  t.ok(produced < 1000, `${produced} produced for 3 read`)
  await events.return()
})

t.test('new connections are spread over time: at one in an hour, the first is alone', async t => {
  let opened = 0
  const counted = connector(async () => {
    opened += 1
    return nothing
  })
  const worker = actor(async function* (_, job) {
    await using remote = await job.connect()
    yield* remote.exec({ line: 'x' }, job)
    return ok
  })
  const stop = new AbortController()
  const spread = how({ fanout: 6, connectRate: 1 / 3600, connector: counted, signal: stop.signal })
  const ends: string[] = []
  for await (const event of schedule(targets(6), worker, undefined, spread)) {
    if (event.kind !== 'finished') continue
    ends.push(event.outcome.kind)
    stop.abort()
  }
  t.equal(opened, 1)
  t.strictSame(ends, ['ok', ...Array(5).fill('cancelled')])
})

t.test('what is out of reach after it was reached has failed: something may have been done there', async t => {
  let opened = 0
  const once = connector(async target => {
    if (opened++ === 0) return nothing
    throw new StokerError('CONNECT_FAILED', target.name, 'connection refused')
  })
  const worker = actor(async function* (_, job) {
    await using _first = await job.connect()
    yield { stream: 'stdout', data: Buffer.from('begun') }
    await using _second = await job.connect()
    return ok
  })
  t.strictSame(
    [...(await outcomes(schedule(targets(1), worker, undefined, how({ connector: once })))).values()],
    ['failed'],
  )
})

t.test('the time in which a connection waits for its turn does not count', async t => {
  const turn = connector(async (_, { signal, waits }) => {
    {
      using _wait = waits?.()
      // Twice as long as an opening may take.
      await pause(60, { signal })
    }
    signal.throwIfAborted()
    return nothing
  })
  const worker = actor(async function* (_, job) {
    await using _remote = await job.connect()
    yield { stream: 'stdout', data: Buffer.from('in') }
    return ok
  })
  const events = schedule(targets(2), worker, undefined, how({ connectTimeout: 30, connector: turn }))
  t.strictSame([...(await outcomes(events)).values()], ['ok', 'ok'])
})

t.test('an actor which connects again has no more time than one which does so once', async t => {
  const worker = actor(async function* (_, job) {
    for (;;) {
      await using _remote = await job.connect()
      job.signal.throwIfAborted()
      yield { stream: 'stdout', data: Buffer.from('again') }
      await new Promise(setImmediate)
    }
  })
  const all = await outcomes(schedule(targets(1), worker, undefined, how({ commandTimeout: 50 })))
  t.strictSame([...all.values()], ['timed-out'])
})

/** A run under a clock, and what it has said so far, each with its time. */
const timed = (t: Test, worker: Actor<undefined>, count: number, changes: Partial<Schedule> = {}) => {
  const clock: Clock = startClock()
  t.teardown(() => clock[Symbol.dispose]())
  const said: (readonly [number, string])[] = []
  const finished: Extract<RunEvent, { readonly kind: 'finished' }>[] = []
  const run = async () => {
    for await (const event of schedule(targets(count), worker, undefined, how(changes))) {
      const what = event.kind === 'finished' ? event.outcome.kind : event.kind
      said.push([clock.now, `${event.target.name} ${what}`])
      if (event.kind === 'finished') finished.push(event)
    }
    said.push([clock.now, 'over'])
  }
  return { clock, said, finished, over: run() }
}
const refused = (name: string): StokerError => new StokerError('CONNECT_FAILED', name, 'connection refused')
/** Connections which are refused so often for each target. */
const refusing = (times: number): Connector => {
  const tries = new Map<string, number>()
  return connector(async ({ name }) => {
    tries.set(name, (tries.get(name) ?? 0) + 1)
    if ((tries.get(name) ?? 0) <= times) throw refused(name)
    return nothing
  })
}
const connecting = actor(async function* (_, job) {
  await using _remote = await job.connect()
  yield { stream: 'stdout', data: Buffer.from('in') }
  return ok
})
const rollingOf = (changes: Partial<Rolling>, isStopped = () => false): Rolling => ({
  ...{ batches: [targets(2)], begin: () => {}, ended: () => {}, again: () => undefined },
  ...changes,
  get stopped() {
    return isStopped()
  },
})

t.test('an actor which ignores its signal is left behind after eight seconds, and no more is heard of it', async t => {
  const wake = Promise.withResolvers<void>()
  const worker = actor(async function* ({ name }, job) {
    if (name === 'n0') await wake.promise
    else await pause(500, job)
    yield { stream: 'stdout', data: Buffer.from('x') }
    if (name === 'n0') await new Promise(() => {})
    return ok
  })
  const { clock, said, over } = timed(t, worker, 2, { fanout: 1, commandTimeout: 1000 })
  await clock.advance(9000)
  t.strictSame(said.slice(0, 1), [[0, 'n0 started']])
  await clock.advance(100)
  t.match(said.slice(1), [
    [Number, 'n0 timed-out'],
    [Number, 'n1 started'],
  ])
  wake.resolve()
  await clock.advance(1000)
  await over
  t.strictSame(
    said.slice(3).map(([, what]) => what),
    ['n1 output', 'n1 ok', 'over'],
  )
  t.equal(clock.pending, 0)
})

t.test('who is not stopped may take as long as it likes', async t => {
  const worker = actor(async function* (_, job) {
    await pause(60_000, job)
    yield { stream: 'stdout', data: Buffer.from('x') }
    return ok
  })
  const { clock, said, over } = timed(t, worker, 1)
  await clock.advance(60_000)
  await over
  t.strictSame(said, [
    [0, 'n0 started'],
    [60_000, 'n0 output'],
    [60_000, 'n0 ok'],
    [60_000, 'over'],
  ])
})

t.test('who never started took no time', async t => {
  const abort = new AbortController()
  const worker = actor(async function* (_, job) {
    yield { stream: 'stdout', data: Buffer.from('x') }
    return await forever(job.signal)
  })
  const { clock, finished, over } = timed(t, worker, 2, { fanout: 1, signal: abort.signal })
  await clock.advance(1000)
  abort.abort()
  await over
  t.strictSame(
    finished.map(({ outcome, timing }) => [outcome.kind, timing]),
    [
      ['cancelled', { command: 1000, total: 1000 }],
      ['not-started', { total: 0 }],
    ],
  )
})

t.test('what a stopped actor throws is seldom why it was stopped; what it says itself counts', async t => {
  const worker = actor(async function* ({ name }, job) {
    yield { stream: 'stdout', data: Buffer.from('begun') }
    await forever(job.signal).catch(() => {})
    if (name === 'n0') throw new Error('socket hang up')
    throw new StokerError('COMMAND_FAILED', name, 'exit code 1')
  })
  const { clock, finished, over } = timed(t, worker, 2, { commandTimeout: 2000 })
  await clock.advance(2100)
  await over
  t.strictSame(
    finished.map(({ outcome }) => ('error' in outcome ? [outcome.kind, outcome.error.message] : outcome)),
    [
      ['timed-out', 'not done within 2 s; ended on the target'],
      ['failed', 'exit code 1'],
    ],
  )
  t.equal(clock.pending, 0)
})

t.test('without being stopped, what is thrown is what it is', async t => {
  const worker = actor(async function* () {
    yield { stream: 'stdout', data: Buffer.from('begun') }
    throw new Error('a bug')
  })
  const { finished, over } = timed(t, worker, 1)
  await over
  t.match(finished[0]?.outcome, { kind: 'failed', error: { code: 'ACTOR_FAILED', message: /a bug/ } })
})

t.test('a connection which is not made in time says so, and nothing of the run stays behind', async t => {
  const abort = new AbortController()
  const silent = connector((_, { signal }) => forever(signal))
  const { clock, finished, over } = timed(t, connecting, 1, {
    ...{ connectTimeout: 3000, commandTimeout: 1000, connector: silent, signal: abort.signal },
  })
  await clock.advance(3100)
  await over
  t.match(finished[0]?.outcome, { kind: 'unreachable', error: { message: /^not connected within 3 s$/ } })
  t.equal(clock.pending, 0)
  t.equal(getEventListeners(abort.signal, 'abort').length, 0)
})

t.test('times are told: of the connection, from there to the end, and of all', async t => {
  const slow = connector(async (_, { signal }) => {
    await pause(5, { signal })
    return nothing
  })
  let signal: AbortSignal | undefined
  const worker = actor(async function* (_, job) {
    signal = job.signal
    await job.connect()
    await pause(20, job)
    // Another one is part of the work.
    await job.connect()
    yield { stream: 'stdout', data: Buffer.from('in') }
    await pause(7, job)
    return ok
  })
  const limits = { connectTimeout: 1000, commandTimeout: 1000 }
  const { clock, finished, over } = timed(t, worker, 2, { fanout: 1, connector: slow, ...limits })
  await clock.advance(100)
  await over
  const expected = { connect: 1, auth: 2, command: 32, total: 37 }
  t.strictSame(
    finished.map(({ timing }) => timing),
    [expected, expected],
  )
  t.equal(clock.pending, 0)
  t.ok(signal?.aborted, 'what the actor left behind is not wanted any more')
})

for (const fanout of [1, 4])
  t.test(`new connections are spread evenly, ${fanout} at once`, async t => {
    const worker = actor(async function* (_, job) {
      await using _remote = await job.connect()
      yield { stream: 'stdout', data: Buffer.from('in') }
      await pause(100, job)
      return ok
    })
    const { clock, said, over } = timed(t, worker, 4, { connectRate: 4, fanout })
    await clock.advance(1000)
    await over
    t.strictSame(
      said.filter(([, what]) => what.endsWith(' output')).map(([at]) => at),
      [0, 250, 500, 750],
    )
    t.equal(clock.pending, 0)
  })

t.test('each target knows its rank among all, over all batches', async t => {
  const ranks: unknown[] = []
  const worker = actor(async function* ({ name }, { rank, count }) {
    ranks.push([name, rank, count])
    yield { stream: 'stdout', data: Buffer.from('x') }
    return ok
  })
  const [n0, n1, n2] = targets(3) as [Target, Target, Target]
  const begun: number[] = []
  const rolling = rollingOf({ batches: [[n0, n1], [n2]], begin: batch => begun.push(batch) })
  await outcomes(schedule(targets(3), worker, undefined, how({ rolling })))
  t.strictSame(ranks, [
    ['n0', 0, 3],
    ['n1', 1, 3],
    ['n2', 2, 3],
  ])
  t.strictSame(begun, [0, 1])
})

t.test('a try which may help is made again after its wait, in which it holds nobody up', async t => {
  const asked: unknown[] = []
  const ended: string[] = []
  const begun: string[] = []
  const rolling = rollingOf({
    ended: ({ kind }) => ended.push(kind),
    again: ({ kind }, tries) => {
      asked.push([kind, tries])
      return kind === 'unreachable' ? 1000 : undefined
    },
  })
  const { clock, said, finished, over } = timed(t, connecting, 2, {
    ...{ fanout: 1, connector: refusing(2), rolling, begin: ({ name }) => begun.push(name) },
  })
  await clock.advance(1999)
  t.strictSame(said, [
    [0, 'n0 started'],
    [0, 'n1 started'],
  ])
  await clock.advance(1)
  await over
  t.strictSame(said.slice(2), [
    [2000, 'n0 output'],
    [2000, 'n0 ok'],
    [2000, 'n1 output'],
    [2000, 'n1 ok'],
    [2000, 'over'],
  ])
  t.strictSame(asked.slice(0, 4), [
    ['unreachable', 1],
    ['unreachable', 1],
    ['unreachable', 2],
    ['unreachable', 2],
  ])
  t.strictSame(begun, ['n0', 'n1'], 'each begins once')
  t.strictSame(ended, ['ok', 'ok'], 'and ends once')
  t.equal(finished[0]?.timing.total, 2000)
})

t.test('when the run stops, who waits for another try has the end of the last one', async t => {
  for (const stop of ['abort', 'failures'] as const)
    for (const fanout of [1, 4]) {
      const abort = new AbortController()
      let stopped = false
      const ended: string[] = []
      const begun: number[] = []
      const changes: Partial<Rolling> = {
        batches: [targets(2), [target('n2')]],
        begin: batch => begun.push(batch),
        ended: ({ kind }) => ended.push(kind),
        again: () => 1000,
      }
      const rolling = rollingOf(changes, () => stopped)
      const { clock, said, over } = timed(t, connecting, 3, {
        ...{ fanout, connector: refusing(100), rolling, signal: abort.signal },
      })
      await clock.advance(500)
      if (stop === 'abort') abort.abort()
      stopped = stop === 'failures'
      await clock.advance(500)
      await over
      t.strictSame(
        said.map(([, what]) => what),
        ['n0 started', 'n1 started', 'n0 unreachable', 'n1 unreachable', 'n2 not-started', 'over'],
        stop,
      )
      t.strictSame(ended, ['unreachable', 'unreachable'])
      t.strictSame(begun, [0], 'no batch begins of which nothing would be started')
      t.equal(clock.pending, 0)
      clock[Symbol.dispose]()
    }
})

t.test('a run which is stopped while its reader is slow tells those which it starts late', async t => {
  let late = 0
  for (let stopAt = 1; stopAt < 1500; stopAt += 250) {
    const clock = startClock()
    t.teardown(() => clock[Symbol.dispose]())
    const abort = new AbortController()
    const worker = actor(async function* (_, job) {
      if (abort.signal.aborted) {
        late++
        if (!job.signal.aborted) t.fail('it was not told')
        // However stubborn it is.
        await new Promise(() => {})
      }
      yield { stream: 'stdout', data: Buffer.from('x') }
      return ok
    })
    const run = async () => {
      let count = 0
      for await (const _ of schedule(targets(600), worker, undefined, how({ fanout: 300, signal: abort.signal }))) {
        if (++count !== stopAt) continue
        // Whatever can be done without us is done.
        await new Promise(setImmediate)
        abort.abort()
      }
      return count
    }
    const over = run()
    while (!abort.signal.aborted) await new Promise(setImmediate)
    await clock.advance(8000)
    t.ok((await over) >= 600)
    t.equal(clock.pending, 0)
    clock[Symbol.dispose]()
  }
  t.ok(late > 0, `${late} were started late`)
})

t.test('when nobody reads any more, the targets do not wait for ever', async t => {
  const ended = Promise.withResolvers<void>()
  const worker = actor(async function* () {
    try {
      for (let i = 0; i < 1000; i++) yield { stream: 'stdout', data: Buffer.alloc(1) }
      return ok
    } finally {
      ended.resolve()
    }
  })
  const events = schedule(targets(1), worker, undefined, how())
  await events.next()
  await new Promise(setImmediate)
  await events.return()
  await ended.promise
  t.pass('it went on to its end')
})

t.test('whoever cannot write down that a target begins ends the run with it', async t => {
  const begin = () => {
    throw new Error('no room')
  }
  await t.rejects(outcomes(schedule(targets(2), connecting, undefined, how({ begin }))), { message: 'no room' })
})
