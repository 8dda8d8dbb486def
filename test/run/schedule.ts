import t from 'tap'
import { pause } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { parseNodeName } from '../../src/base/names.ts'
import type { Connection, Connector, Output } from '../../src/connection/connection.ts'
import { sourcesIn } from '../../src/converge/materials.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import type { RunEvent } from '../../src/run/event.ts'
import type { Outcome } from '../../src/run/outcome.ts'
import { type Schedule, schedule } from '../../src/run/schedule.ts'

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
