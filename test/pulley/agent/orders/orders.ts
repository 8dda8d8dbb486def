import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { pause } from '../../../../src/base/abortable.ts'
import { StokerError } from '../../../../src/base/errors.ts'
import { Journal } from '../../../../src/pulley/agent/orders/journal.ts'
import { Orders, type OrdersOptions, type RunActor } from '../../../../src/pulley/agent/orders/orders.ts'
import { Folder } from '../../../../src/pulley/agent/state/folder.ts'
import { ORDER, type Order } from '../../../../src/pulley/protocol/documents.ts'
import { seal } from '../../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey } from '../../../../src/pulley/protocol/keys.ts'
import type { Outcome } from '../../../../src/run/outcome.ts'

const io = { signal: new AbortController().signal }
const NOW = 1_700_000_000_000
const key = makeSigningKey()
const idOf = (kind: 'a' | 'n', n: number) => `${kind}-${String(n + 2).repeat(20)}`
const NODE = idOf('n', 1)
const order = (n: number, changes: Partial<Order> = {}): Order => ({
  ...{ vo: 'blue', id: idOf('a', n), node: NODE, name: `order ${n}`, actor: 'shell', argument: `number ${n}` },
  ...{ issued: 1, expires: NOW + 1, repeatable: false, timeLimit: 0 },
  ...changes,
})
const sealed = (n: number, changes: Partial<Order> = {}) => seal(ORDER, order(n, changes), key)

type Answer = 'taken' | 'refused' | StokerError
interface Post {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}
const OK: Outcome = { kind: 'ok', changed: true }

interface Agent {
  readonly orders: Orders
  readonly journal: Journal
  /** What the server was told, without times and the like. */
  readonly posts: string[]
  readonly bodies: Post[]
  readonly said: string[]
  /** The state of each order on disk. */
  states(): Promise<readonly string[]>
  /** The files of the journal which are no order. */
  pieces(): Promise<readonly string[]>
}

interface World extends Partial<Omit<OrdersOptions, 'journal' | 'link'>> {
  /** What the server says; `taken` unless given. */
  readonly answer?: (post: Post) => Answer | Promise<Answer>
}

/** An agent's orders over a journal on disk; `again` is the folder of an earlier one. */
const agent = async (t: Test, { answer = () => 'taken', ...changes }: World = {}, again?: Journal): Promise<Agent> => {
  const path = await mkdtemp(join(tmpdir(), 'stoker-orders-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  const journal = again ?? new Journal(new Folder(path))
  const posts: string[] = []
  const bodies: Post[] = []
  const said: string[] = []
  const options: OrdersOptions = {
    ...{ vo: 'blue', node: NODE, journal, voKey: () => key.publicKey, now: () => NOW, outputLimit: 1000 },
    ...{ say: line => said.push(line), runActor: printing('out') },
    ...changes,
    link: {
      async post(path, body) {
        const post = { path, body: body as Post['body'] }
        const { state, piece, stream, data } = post.body
        const place = path.replace(/^\/v1\/actions\/a-(\d)\d+/, (_, n) => String(Number(n) - 2))
        const kind = await answer(post)
        if (kind instanceof StokerError) throw kind
        bodies.push(post)
        posts.push(state ? `${place} ${state}` : `${place} ${piece} ${stream} ${Buffer.from(String(data), 'base64')}`)
        return kind === 'refused' ? { kind, why: 'no' } : { kind }
      },
    },
  }
  return {
    ...{ orders: new Orders(options), journal, posts, bodies, said },
    states: async () => (await journal.entries()).map(({ id, state }) => `${Number(id[2]) - 2} ${state}`).sort(),
    pieces: async () => (await readdir(join(path, 'actions')).catch(() => [])).filter(name => !name.endsWith('.json')),
  }
}

const printing = (text: string, outcome: Outcome = OK): RunActor =>
  async function* () {
    yield { stream: 'stdout', data: Buffer.from(text) }
    return outcome
  }
const ended = async ({ journal }: Agent, n = 0) => {
  const entry = (await journal.entries()).find(({ id }) => id === idOf('a', n))
  const { at, ...result } = (entry?.result ?? {}) as { at?: number }
  return at === undefined || Math.abs(at - Date.now()) < 600_000 ? result : { at }
}

t.test('an order is taken once, when it is for this node and signed by its VO', async t => {
  const one = await agent(t)
  for (const [document, why] of [
    [sealed(0, { node: idOf('n', 2) }), `an order is refused: it is for node ${idOf('n', 2)} of VO blue`],
    [sealed(0, { vo: 'red' }), `an order is refused: it is for node ${NODE} of VO red`],
    [seal(ORDER, order(0), makeSigningKey()), /not by the key of this VO/],
  ] as const) {
    t.equal(await one.orders.isNew([document]), false)
    await one.orders.take([document])
    t.match(one.said.splice(0), why instanceof RegExp ? [why, why] : [why, why])
  }
  t.strictSame(await one.states(), [])
  t.equal(await one.orders.isNew([]), false)
  t.equal(await one.orders.isNew([sealed(0)]), true)
  await one.orders.take([sealed(0), sealed(1)])
  await one.orders.take([sealed(0), sealed(1)])
  t.strictSame(await one.states(), ['0 asking', '1 asking'])
  t.strictSame(one.said, [`action ${idOf('a', 0)}: taken: order 0`, `action ${idOf('a', 1)}: taken: order 1`])
  t.equal(await one.orders.isNew([sealed(0)]), false)
  t.equal(await one.orders.isNew([sealed(0), sealed(2)]), true, 'one new one is news')
  const [first, second] = await one.journal.entries()
  t.match(first?.attempt, /^[\w-]{16}$/)
  t.not(first?.attempt, second?.attempt)
  t.equal(first?.expires, NOW + 1)
})

t.test('the server agrees before anything runs, and every step is on disk before the next', async t => {
  const steps: unknown[] = []
  const runActor: RunActor = async function* (actor, argument) {
    steps.push(['runs', actor, argument, await one.states()])
    yield { stream: 'stderr', data: Buffer.from('e') }
    return { kind: 'ok', changed: false }
  }
  const one = await agent(t, {
    runActor,
    answer: async ({ body }): Promise<Answer> => {
      steps.push([body.state ?? 'output', await one.states()])
      return 'taken'
    },
  })
  await one.orders.take([sealed(0)])
  const [{ attempt = '' } = {}] = await one.journal.entries()
  await one.orders.runAll(io)
  t.strictSame(steps, [
    ['started', ['0 asking']],
    ['runs', 'shell', 'number 0', ['0 running']],
    ['output', ['0 running']],
    ['done', ['0 ended']],
  ])
  t.strictSame(one.posts, ['0 started', '0/output 0 stderr e', '0 done'])
  t.match(one.bodies[0], { path: `/v1/actions/${idOf('a', 0)}`, body: { attempt, at: Number } })
  t.strictSame(await ended(one), { state: 'done', changed: false, exitCode: 0 })
  t.strictSame(await one.states(), ['0 told'])
  t.strictSame(await one.pieces(), [])
  t.strictSame(one.said.slice(1), [`action ${idOf('a', 0)}: done`])
  await one.orders.runAll(io)
  t.equal(one.posts.length, 3, 'once, and reported once')
})

t.test('what the server refuses is not run', async t => {
  const one = await agent(t, { answer: ({ body }) => (body.state === 'started' ? 'refused' : 'taken') })
  await one.orders.take([sealed(0)])
  await one.orders.runAll(io)
  t.strictSame(one.posts, ['0 started'])
  t.strictSame(await one.states(), ['0 told'])
  t.equal(one.said.at(-1), `action ${idOf('a', 0)}: not run: no`)
})

t.test('what has expired is not run, and the server hears that', async t => {
  const one = await agent(t)
  await one.orders.take([sealed(0, { expires: NOW }), sealed(1)])
  await one.orders.runAll(io)
  t.strictSame(one.posts.sort(), ['0 expired', '1 done', '1 started', '1/output 0 stdout out'])
  const [expires, now] = [NOW, NOW].map(time => new Date(time).toISOString())
  t.strictSame(await ended(one), { state: 'expired', message: `expired at ${expires}; it was ${now}` })
})

t.test('what the VO does not sign any more is not run', async t => {
  let voKey = key.publicKey
  const one = await agent(t, { voKey: () => voKey })
  await one.orders.take([sealed(0)])
  voKey = makeSigningKey().publicKey
  await one.orders.runAll(io)
  t.strictSame(one.posts, [])
  t.strictSame(await one.states(), ['0 told'])
})

t.test('every kind of end is reported as what it is', async t => {
  const error = new StokerError('COMMAND_FAILED', 'x', 'exit code 3')
  const rows: readonly (readonly [Outcome | Error, object])[] = [
    [
      { kind: 'ok', changed: true, detail: 'd' },
      { state: 'done', changed: true, exitCode: 0, message: 'd' },
    ],
    [
      { kind: 'failed', error, exitCode: 3 },
      { state: 'failed', message: 'exit code 3', exitCode: 3 },
    ],
    [
      { kind: 'unreachable', error },
      { state: 'failed', message: 'exit code 3' },
    ],
    [new Error('a bug'), { state: 'failed', message: 'a bug' }],
    [new Error('x'.repeat(5000)), { state: 'failed', message: 'x'.repeat(4000) }],
  ]
  for (const [end, expected] of rows) {
    const one = await agent(t, {
      // biome-ignore lint/correctness/useYield: it has nothing to say
      async *runActor() {
        if (end instanceof Error) throw end
        return end
      },
    })
    await one.orders.take([sealed(0)])
    await one.orders.runAll(io)
    t.strictSame(await ended(one), expected)
    t.strictSame(one.posts, ['0 started', `0 ${'state' in expected && expected.state}`])
  }
})

/** Says that it runs, and goes on until it is stopped. */
const endless = (begun: () => void): RunActor =>
  async function* (_actor, _argument, { signal }) {
    yield { stream: 'stdout', data: Buffer.from('up') }
    const ended = new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('it was ended'))))
    begun()
    await ended
    return OK
  }

t.test('what is cancelled ends, and nothing else', async t => {
  const one: Agent = await agent(t, {
    runActor: endless(() => {
      one.orders.cancel([idOf('a', 1), idOf('a', 2)])
      setImmediate(() => one.orders.cancel([idOf('a', 1), idOf('a', 0)]))
    }),
  })
  one.orders.cancel([idOf('a', 0)])
  await one.orders.take([sealed(0)])
  await one.orders.runAll(io)
  t.strictSame(await ended(one), { state: 'cancelled', message: 'it was ended' })
  t.strictSame(one.posts, ['0 started', '0/output 0 stdout up', '0 cancelled'])
})

t.test('an agent which is told to end ends what runs, and reports it the next time', async t => {
  const abort = new AbortController()
  const one = await agent(t, {
    runActor: endless(() => abort.abort(new Error('the agent ends'))),
    answer: () => (abort.signal.aborted ? new StokerError('CANCELLED', 'agent', 'the agent ends') : 'taken'),
  })
  await one.orders.take([sealed(0), sealed(1)])
  await t.rejects(one.orders.runAll(abort), { message: 'the agent ends' })
  const states = await one.states()
  t.strictSame(states.map(state => state.slice(2)).sort(), ['asking', 'ended'], 'the other one has not begun')
  const later = await agent(t, {}, one.journal)
  await later.orders.reportResults(io)
  const n = Number(states.find(state => state.endsWith('ended'))?.[0])
  t.strictSame(later.posts, [`${n}/output 0 stdout up`, `${n} cancelled`])
  t.strictSame(await ended(later, n), { state: 'cancelled', message: 'it was ended' })
  t.strictSame(await one.pieces(), [])
})

t.test('nothing more begins when the agent is told to end', async t => {
  const abort = new AbortController()
  const one = await agent(t, { runActor: endless(() => abort.abort(new Error('the agent ends'))) })
  await one.orders.take([sealed(0), sealed(1)])
  await t.rejects(one.orders.runAll(abort), { message: 'the agent ends' })
  t.equal(one.posts.filter(post => post.endsWith('started')).length, 1)
})

t.test('a time limit ends it, and is said; another end is not taken for it', async t => {
  const one = await agent(t, { runActor: endless(() => {}) })
  await one.orders.take([sealed(0, { timeLimit: 1 })])
  await one.orders.runAll(io)
  t.strictSame(await ended(one), { state: 'failed', message: 'not done within 0.001 s; ended' })
  const stop = new AbortController()
  for (const how of ['cancel', 'end'] as const) {
    const other: Agent = await agent(t, {
      async *runActor(_actor, _argument, { signal }) {
        yield { stream: 'stdout', data: Buffer.from('up') }
        if (how === 'cancel') other.orders.cancel([idOf('a', 0)])
        else stop.abort(new Error('the agent ends'))
        // Meanwhile the time limit passes as well.
        await pause(20, io)
        throw signal.reason
      },
    })
    await other.orders.take([sealed(0, { timeLimit: 10 })])
    await other.orders.runAll(how === 'cancel' ? io : stop).catch(() => {})
    t.match(await ended(other), { state: 'cancelled' }, how)
  }
})

t.test('a report which the server cannot take keeps no other back, and is tried again', async t => {
  let isWell = false
  const one = await agent(t, {
    answer: ({ path, body }) =>
      body.state === 'done' && path.endsWith(idOf('a', 0)) && !isWell
        ? new StokerError('REFUSED', 'server', 'it makes no sense')
        : 'taken',
  })
  await one.orders.take([sealed(0), sealed(1)])
  await one.orders.runAll(io)
  t.strictSame(await one.states(), ['0 ended', '1 told'])
  t.ok(one.said.includes(`action ${idOf('a', 0)}: it makes no sense`))
  isWell = true
  one.posts.length = 0
  await one.orders.reportResults(io)
  t.strictSame(one.posts, ['0 done'])
  t.strictSame(await one.states(), ['0 told', '1 told'])
})

t.test('an end which the server refuses for good is not offered again', async t => {
  const one = await agent(t, { answer: ({ body }) => (body.state === 'done' ? 'refused' : 'taken') })
  await one.orders.take([sealed(0)])
  await one.orders.runAll(io)
  t.strictSame(await one.states(), ['0 told'])
  t.equal(one.said.at(-1), `action ${idOf('a', 0)}: the server takes no end of it: no`)
})

t.test('a server which is away hears of it later', async t => {
  let isAway = false
  const away = new StokerError('CONNECT_FAILED', 'server', 'connection refused')
  const one = await agent(t, {
    answer: () => (isAway ? away : 'taken'),
    runActor: async function* () {
      yield { stream: 'stdout', data: Buffer.from('one') }
      yield { stream: 'stderr', data: Buffer.from('two') }
      isAway = true
      yield { stream: 'stdout', data: Buffer.from('three') }
      return OK
    },
  })
  await one.orders.take([sealed(0)])
  await t.rejects(one.orders.runAll(io), { code: 'CONNECT_FAILED' })
  t.strictSame(await one.states(), ['0 ended'])
  isAway = false
  await one.orders.reportResults(io)
  const output = one.posts.filter(post => post.includes('output'))
  t.strictSame(output, ['0/output 0 stdout one', '0/output 1 stderr two', '0/output 2 stdout three'], 'each piece once')
  t.equal(one.posts.at(-1), '0 done')
  t.strictSame(await one.pieces(), [])
})

t.test('a piece which is lost on its way is sent with the end, and those behind it', async t => {
  let lost = 0
  const one = await agent(t, {
    answer: ({ body }) =>
      body.piece === 1 && lost++ === 0 ? new StokerError('CONNECT_FAILED', 'server', 'timed out') : 'taken',
    async *runActor() {
      for (const stream of ['stdout', 'stderr', 'stdout', 'stderr'] as const)
        yield { stream, data: Buffer.from(stream === 'stdout' ? 'o' : 'e') }
      return OK
    },
  })
  await one.orders.take([sealed(0)])
  await one.orders.runAll(io)
  const output = one.posts.filter(post => post.includes('output'))
  t.strictSame(
    output,
    [0, 1, 2, 3].map(n => `0/output ${n} ${n % 2 === 0 ? 'stdout o' : 'stderr e'}`),
  )
})

/** A journal in which an order was running when its agent was killed, with two pieces of output on disk. */
const killed = async (t: Test, changes: Partial<Order> = {}): Promise<Agent> => {
  const one = await agent(t)
  await one.orders.take([sealed(0, changes), sealed(1)])
  const [first] = (await one.journal.entries()).filter(({ id }) => id === idOf('a', 0))
  if (first) await one.journal.put({ ...first, state: 'running', began: 1, sent: 0, pieces: 0 })
  await one.journal.putPiece(idOf('a', 0), 0, 'stdout', Buffer.from('old'))
  await one.journal.putPiece(idOf('a', 0), 1, 'stderr', Buffer.from('older'))
  return one
}

t.test('how many pieces the server has is on disk after each, and none of them is sent again', async t => {
  const one = await killed(t)
  await one.orders.recover()
  const sent = async () => (await one.journal.entries()).find(({ id }) => id === idOf('a', 0))?.sent
  for (const [fails, expected, count] of [
    [({ body }: Post) => body.piece === 1, ['0/output 0 stdout old'], 1],
    [({ body }: Post) => body.state === 'unknown', ['0/output 1 stderr older'], 2],
    [() => false, ['0 unknown'], 2],
  ] as const) {
    const away = new StokerError('CONNECT_FAILED', 'server', 'connection refused')
    const next = await agent(t, { answer: post => (fails(post) ? away : 'taken') }, one.journal)
    await next.orders.reportResults(io).catch(() => {})
    t.strictSame(next.posts, expected)
    t.equal(await sent(), count)
  }
})

t.test('output beyond the limit is cut off, and that is told', async t => {
  for (const [limit, truncated] of [
    [3, undefined],
    [2, true],
  ] as const) {
    const one = await agent(t, { outputLimit: limit })
    await one.orders.take([sealed(0)])
    await one.orders.runAll(io)
    t.equal(one.posts[1], `0/output 0 stdout ${'out'.slice(0, limit)}`)
    t.equal(one.bodies.at(-1)?.body.truncated, truncated)
  }
})

t.test('what ran when the agent was killed has an unknown end, and is not run again', async t => {
  const one = await killed(t)
  await one.orders.recover()
  t.strictSame(await one.states(), ['0 ended', '1 asking'])
  await one.orders.reportResults(io)
  t.strictSame(one.posts, ['0/output 0 stdout old', '0/output 1 stderr older', '0 unknown'])
  t.strictSame(await ended(one), { state: 'unknown', message: 'the agent was ended while it ran' })
})

t.test('what may be repeated is run again, and what it printed before comes before', async t => {
  const one = await killed(t, { repeatable: true })
  await one.orders.recover()
  t.strictSame(await one.states(), ['0 asking', '1 asking'])
  await one.orders.runAll(io)
  t.strictSame(
    one.posts.filter(post => post.startsWith('0')),
    ['0 started', '0/output 0 stdout old', '0/output 1 stderr older', '0/output 2 stdout out', '0 done'],
  )
  t.strictSame(await one.pieces(), [])
})

t.test('when the state was put back, nobody knows what became of that which was only asked for', async t => {
  const one = await killed(t)
  await one.orders.markAskedUnknown()
  t.strictSame(await one.states(), ['0 running', '1 ended'])
  t.strictSame(await ended(one, 1), { state: 'unknown', message: "the node's state was put back to an earlier one" })
})
