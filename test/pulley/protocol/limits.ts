/** Each bound of the protocol at its edges: what the command line takes, a reader takes; what a reader refuses, it refuses too. */
import t from 'tap'
import { parseDuration } from '../../../src/base/duration.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { actionReport } from '../../../src/pulley/agent/orders/action-report.ts'
import { pack } from '../../../src/pulley/bundle/tree.ts'
import { MAX_ANSWER } from '../../../src/pulley/client/client.ts'
import { wavesOf } from '../../../src/pulley/commands/waves.ts'
import { listQuery, newBundle, newToken, nodeChange } from '../../../src/pulley/protocol/admin-messages.ts'
import { BUNDLE, type Bundle, ORDER, type Order } from '../../../src/pulley/protocol/documents.ts'
import { envelope, seal } from '../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey } from '../../../src/pulley/protocol/keys.ts'
import * as limit from '../../../src/pulley/protocol/limits.ts'
import { actionReport as actionReportSchema, pollInterval } from '../../../src/pulley/protocol/messages.ts'
import { newId, nodeName, numberedName } from '../../../src/pulley/protocol/names.ts'
import { CONNECTION_LIMITS } from '../../../src/pulley/server/http/listener.ts'
import { parseWords } from '../../fixtures/program/parse-words.ts'

const key = makeSigningKey()
const token = { hash: 'a'.repeat(64), uses: 1, expires: 1, roles: [] as string[] }
const order: Order = {
  ...{ vo: 'blue', id: newId('a'), node: newId('n'), name: 'x', actor: 'shell', argument: 'x', issued: 1, expires: 2 },
  ...{ repeatable: false, timeLimit: 0 },
}
const bundle: Bundle = {
  ...{ vo: 'blue', serial: 1, issued: 1, expires: 2, content: { sha256: 'a'.repeat(64), size: 0 } },
  ...{ nodes: [], roles: [], sealed: {} },
}
const document = seal(BUNDLE, bundle, key)

interface Bound {
  /** The words of a command line whose last one has this size. */
  readonly words: (size: number) => readonly string[]
  /** Whether the reader takes what is made of the parsed words. */
  readonly reads: (parsed: Readonly<Record<string, unknown>>) => boolean
  readonly edges: readonly number[]
  readonly beyond: readonly number[]
}

const upTo = (most: number) => ({ edges: [most], beyond: [most + 1] })
const roles = (count: number) => Array.from({ length: count }, (_, i) => `r${i}`)

const bounds: Readonly<Record<string, Bound>> = {
  'serve --interval': {
    words: seconds => ['pulley', 'serve', '--interval', `${seconds}s`],
    reads: ({ interval }) => pollInterval.safeParse(interval).success,
    edges: [limit.MIN_POLL_INTERVAL, limit.MAX_POLL_INTERVAL],
    beyond: [limit.MIN_POLL_INTERVAL - 1, limit.MAX_POLL_INTERVAL + 1, 100_000],
  },
  'agent --long-poll': {
    words: seconds => ['pulley', 'agent', '--long-poll', `${seconds}s`],
    // A listener ends a connection on which nothing moves.
    reads: ({ longPoll }) => Number(longPoll) * 1000 < CONNECTION_LIMITS.idleTimeout,
    edges: [0, limit.MAX_LONG_POLL],
    beyond: [limit.MAX_LONG_POLL + 1],
  },
  'token create --uses': {
    words: uses => ['pulley', 'token', 'create', '--uses', `${uses}`],
    reads: ({ uses }) => newToken.safeParse({ ...token, uses }).success,
    edges: [1, limit.MAX_TOKEN_USES],
    beyond: [0, limit.MAX_TOKEN_USES + 1],
  },
  'token create --names': {
    words: length => ['pulley', 'token', 'create', '--names', 'x'.repeat(length)],
    reads: ({ names }) => newToken.safeParse({ ...token, names }).success,
    ...upTo(limit.MAX_NAME_PATTERN),
  },
  'token create --role, how often': {
    words: count => ['pulley', 'token', 'create', ...roles(count).flatMap(role => ['--role', role])],
    reads: ({ role }) => newToken.safeParse({ ...token, roles: role }).success,
    ...upTo(limit.MAX_ROLES),
  },
  'token create --role, how long': {
    words: length => ['pulley', 'token', 'create', '--role', 'r'.repeat(length)],
    reads: ({ role }) => newToken.safeParse({ ...token, roles: role }).success,
    edges: [1, 64],
    beyond: [0, 65],
  },
  'role NODES ROLES': {
    words: count => ['pulley', 'role', 'wn1', ...roles(count)],
    reads: parsed => nodeChange.safeParse({ roles: parsed[1] ?? [] }).success,
    edges: [0, limit.MAX_ROLES],
    beyond: [limit.MAX_ROLES + 1],
  },
  'publish --note': {
    words: length => ['pulley', 'publish', 'site', '--note', 'x'.repeat(length)],
    reads: ({ note }) => newBundle.safeParse({ document, note }).success,
    edges: [0, limit.MAX_NOTE],
    beyond: [limit.MAX_NOTE + 1],
  },
  'send --command-timeout': {
    words: milliseconds => ['pulley', 'send', 'x', '--to', 'y', '--command-timeout', `${milliseconds / 1000}`],
    reads: ({ commandTimeout }) => ORDER.schema.safeParse({ ...order, timeLimit: commandTimeout }).success,
    edges: [0, limit.MAX_TIME_LIMIT],
    beyond: [limit.MAX_TIME_LIMIT + 1, 30 * 86_400_000],
  },
  'actions list --last': {
    words: count => ['pulley', 'actions', 'list', '--last', `${count}`],
    reads: ({ last }) => listQuery.safeParse({ limit: String(last) }).success,
    edges: [1, limit.MAX_LISTED],
    beyond: [0, limit.MAX_LISTED + 1],
  },
  'reports --last': {
    words: count => ['pulley', 'reports', '--last', `${count}`],
    reads: ({ last }) => listQuery.safeParse({ limit: String(last) }).success,
    edges: [1, limit.MAX_LISTED],
    beyond: [0, limit.MAX_LISTED + 1],
  },
}

for (const [what, { words, reads, edges, beyond }] of Object.entries(bounds))
  t.test(what, async t => {
    for (const size of edges) t.ok(reads(await parseWords(words(size))), `${size} is taken by both`)
    for (const size of beyond)
      await t.rejects(
        parseWords(words(size)),
        { code: /^commander\./, message: /expected/ },
        `${size} is refused at once`,
      )
  })

t.test('times which are over before they begin are refused', async t => {
  for (const words of [
    ['pulley', 'publish', 'site', '--expires', '0'],
    ['pulley', 'token', 'create', '--expires', '0s'],
    ['pulley', 'send', 'x', '--to', 'y', '--expires', '0'],
    ['stoker', 'render', '--deadline', '0'],
  ])
    await t.rejects(parseWords(words), { message: /expected a time above 0/ }, words.join(' '))
})

t.test('waves', async t => {
  const share = (percent: number) => ({ kind: 'share', percent }) as const
  const steps = (count: number) => Array.from({ length: count }, () => share(100))
  const fits = newBundle.safeParse({ document, note: '', waves: wavesOf(steps(limit.MAX_WAVES), share(0)) })
  t.ok(fits.success)
  t.throws(() => wavesOf(steps(limit.MAX_WAVES + 1), share(0)), { code: 'USAGE' })
  for (const [allowed, expected] of [
    [share(0), 0],
    [share(100), 1],
    [{ kind: 'count', count: 0 }, { nodes: 0 }],
    [{ kind: 'count', count: 5 }, { nodes: 5 }],
  ] as const) {
    const waves = wavesOf(steps(1), allowed)
    t.strictSame(waves.maxFail, expected)
    t.ok(newBundle.safeParse({ document, note: '', waves }).success)
  }
})

t.test('nothing is signed which nobody would read', async t => {
  const sized = (length: number) => ({ ...order, argument: 'x'.repeat(length) })
  const room = Math.floor(limit.MAX_ORDER / 4) * 3 - JSON.stringify(sized(0)).length
  t.equal(seal(ORDER, sized(room), key).payload.length, limit.MAX_ORDER)
  t.throws(() => seal(ORDER, sized(room + 1), key), { code: 'USAGE', message: /no order which a node would read/ })
  for (const [name, wrong] of [
    ['a name', { name: 'x'.repeat(limit.MAX_ORDER_NAME + 1) }],
    ['an actor', { actor: 'x'.repeat(limit.MAX_ACTOR_NAME + 1) }],
    ['a time limit', { timeLimit: limit.MAX_TIME_LIMIT + 1 }],
    ['a VO', { vo: 'BLUE' }],
  ] as const)
    t.throws(() => seal(ORDER, { ...order, ...wrong }, key), { code: 'USAGE' }, name)
  // As many nodes as a large VO has are more than a request takes by default.
  const nodes = Array.from({ length: 20_000 }, (_, i) => ({
    id: newId('n'),
    name: `wn${i}.example.org`,
    roles: ['worker'],
  }))
  const large = seal(BUNDLE, { ...bundle, nodes }, key)
  t.ok(large.payload.length > 1024 * 1024)
  t.ok(envelope.safeParse(large).success)
})

t.test('a bundle holds no file which a node would refuse', async t => {
  for (const path of ['a\\b', 'a/../b', `${'x'.repeat(1001)}`, 'a//b'])
    t.throws(
      () => pack(new Map([[path, Buffer.alloc(0)]])),
      { code: 'CONFIG', message: /rename it/ },
      path.slice(0, 20),
    )
})

t.test('an answer has room for all that it may hold', async t => {
  t.ok(MAX_ANSWER > limit.MAX_CONTENT)
  t.ok(MAX_ANSWER > limit.MAX_DOCUMENT + limit.MAX_ORDERS_PER_POLL * limit.MAX_ORDER)
  t.equal(
    parseDuration(limit.MAX_TIME_LIMIT / 1000),
    limit.MAX_TIME_LIMIT,
    'and a time limit is one which can be typed',
  )
})

t.test('the name of a node which is not the first to be called so is one of a node', async t => {
  const long = 'x'.repeat(limit.MAX_NAME_LABEL)
  for (const [name, number, expected] of [
    ['wn', 1, 'wn'],
    ['wn', 2, 'wn-2'],
    ['wn.example.org', 12, 'wn-12.example.org'],
    [long, 2, `${'x'.repeat(61)}-2`],
    [`${long}.example.org`, 1000, `${'x'.repeat(58)}-1000.example.org`],
    [`${long}.${long}.${long}.${'x'.repeat(61)}`, 20, `${'x'.repeat(60)}-20.${long}.${long}.${'x'.repeat(61)}`],
    [`a.${long}.${long}.${long}.${'x'.repeat(59)}`, 20, `a-20.${long}.${long}.${long}.${'x'.repeat(56)}`],
    [`a.${long}.${long}.${long}.${'x'.repeat(57)}.b`, 2, `a-2.${long}.${long}.${long}.${'x'.repeat(57)}`],
  ] as const) {
    t.ok(nodeName.safeParse(name).success, `${name.length} characters`)
    t.equal(numberedName(name, number), expected)
    t.ok(nodeName.safeParse(expected).success)
  }
})

t.test('whatever an action ends with, the server takes the report', async t => {
  const long = new StokerError('COMMAND_FAILED', 'x', 'x'.repeat(2 * limit.MAX_MESSAGE))
  for (const outcome of [
    { kind: 'ok', changed: true, detail: long.message },
    { kind: 'failed', error: long, exitCode: 255, signal: 'S'.repeat(2 * limit.MAX_SIGNAL) },
    { kind: 'timed-out', error: long },
    { kind: 'unreachable', error: long },
    { kind: 'cancelled', error: long },
    { kind: 'not-started' },
  ] as const)
    t.ok(actionReportSchema.safeParse(actionReport(outcome)).success, outcome.kind)
})
