/** Requests which a server has to refuse: each is told so, stands in the log, and changes nothing. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Client } from '../../../src/pulley/client/client.ts'
import { makeSigningKey, type SigningKey } from '../../../src/pulley/protocol/keys.ts'
import { newId } from '../../../src/pulley/protocol/names.ts'
import { signRequest } from '../../../src/pulley/protocol/signature.ts'
import { sql } from '../../../src/pulley/store/sql.ts'
import { openSqlite } from '../../../src/pulley/store/sqlite.ts'
import { type Pulley, type PulleyOptions, SIGNAL, startPulley } from '../../fixtures/program/pulley.ts'

const io = { signal: SIGNAL }

const ready = async (options: PulleyOptions = {}) => {
  const pulley = await startPulley(options)
  const { admin, key } = await pulley.vo('blue')
  const token = await pulley.token('blue')
  return { pulley, admin, voKey: key, token, [Symbol.asyncDispose]: () => pulley[Symbol.asyncDispose]() }
}

/** The refusal stands in the log, with what people need to find out more. */
const isLogged = (t: Test, { log }: Pulley, line: Readonly<Record<string, unknown>>): void => {
  const found = log.findLast(one => one.event === 'refused' && one.kind === line.kind)
  t.match(found, { event: 'refused', ...line }, 'it is in the log')
}

/** What the server says on a connection of its own to these bytes, until it ends it; `more` writes on. */
const raw = async (url: string, bytes: string, more: (socket: Socket) => void = () => {}): Promise<string> => {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  let said = ''
  socket.on('data', data => {
    said += data
  })
  socket.on('error', () => {}) // it is cut while we write
  socket.write(bytes)
  more(socket)
  await new Promise(resolve => socket.once('close', resolve))
  return said
}

/** The first lines of a request which is signed over this body. */
const headersOf = (
  target: string,
  body: string,
  { key, id }: { readonly key: SigningKey; readonly id: string },
  more: readonly string[] = [],
): string => {
  const signed = signRequest({ method: 'POST', target, body: Buffer.from(body) }, key, id, Date.now())
  const lines = Object.entries({ host: 'x', 'content-type': 'application/json', ...signed })
  return [`POST ${target} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), ...more, '', ''].join('\r\n')
}

t.test('tokens admit nobody but those they are for', async t => {
  await using site = await ready()
  const { pulley } = site
  const once = await pulley.token('blue', { uses: 1 })
  await pulley.enrol('blue', once, 'wn1')
  await pulley.vo('red')
  const revoked = await pulley.token('blue')
  for (const { id, usesLeft } of (await site.admin.json({ method: 'GET', path: '/admin/v1/vos/blue/tokens' }, io)) as {
    id: string
    usesLeft: number
  }[])
    if (usesLeft === 100) await site.admin.json({ method: 'DELETE', path: `/admin/v1/vos/blue/tokens/${id}` }, io)
  const rows: readonly (readonly [string, string, string, string, RegExp])[] = [
    ['one use more than it has', 'blue', once, 'wn2', /as often as it may/],
    ['one which has been revoked', 'blue', revoked, 'wn2', /revoked/],
    ['one which has expired', 'blue', await pulley.token('blue', { expires: Date.now() - 1 }), 'wn2', /expired/],
    ['one for other names', 'blue', await pulley.token('blue', { names: 'db*' }), 'wn2', /not for the name wn2/],
    ['one of another VO', 'red', await pulley.token('blue'), 'wn2', /no such token/],
    ['one of a VO which does not exist', 'green', await pulley.token('blue'), 'wn2', /no such token/],
    ['none', 'blue', 'x'.repeat(27), 'wn2', /no such token/],
  ]
  for (const [what, vo, token, name, why] of rows)
    await t.test(what, async t => {
      await t.rejects(pulley.enrol(vo, token, name), { code: 'REFUSED', message: why })
      isLogged(t, pulley, { status: 403, path: '/v1/enrol', kind: 'forbidden', message: why, keyid: /^.{43}$/ })
    })
  t.match(await site.admin.json({ method: 'GET', path: '/admin/v1/vos/blue/nodes' }, io), { length: 1 })
})

t.test('a pattern of many stars costs no more time than one of few: only so does this come to an end', async t => {
  await using site = await ready()
  const names = `${'*a'.repeat(100)}b`
  await t.rejects(site.pulley.enrol('blue', await site.pulley.token('blue', { names }), 'a'.repeat(63)), {
    message: /not for the name/,
  })
  for (const [pattern, name, fits] of [
    ['wn*', 'wn1', true],
    ['*.example.org', 'wn1.example.org', true],
    ['wn*.example.org', 'wn.example.org', true],
    ['a*a', 'a', false],
    ['*b*c*', 'abxc', true],
    ['*b*c', 'acb', false],
    ['wn1', 'wn12', false],
    ['*', 'anything', true],
  ] as const) {
    const enrolled = site.pulley.enrol('blue', await site.pulley.token('blue', { names: pattern }), name)
    t.equal(
      await enrolled.then(
        () => true,
        () => false,
      ),
      fits,
      `${pattern} ${name}`,
    )
  }
})

t.test('hundreds of machines of one name all get in, each with a name of its own', async t => {
  await using site = await ready({ rates: { enrolments: { burst: 2000, perSecond: 1 } } })
  const token = await site.pulley.token('blue', { uses: 300 })
  for (let i = 0; i < 30; i++)
    await Promise.all(
      Array.from({ length: 10 }, (_, k) =>
        site.pulley.enrol('blue', token, 'vm', { machineId: `${i}-${k}`, macs: [] }),
      ),
    )
  const nodes = (await site.admin.json({ method: 'GET', path: '/admin/v1/vos/blue/nodes' }, io)) as { name: string }[]
  const expected = ['vm', ...Array.from({ length: 299 }, (_, i) => `vm-${i + 2}`)]
  t.strictSame(nodes.map(({ name }) => name).sort(), expected.sort())
})

t.test("a session of one node opens nothing of another's", async t => {
  await using site = await ready()
  const { pulley } = site
  const mine = await pulley.enrol('blue', site.token, 'wn1')
  const other = await pulley.enrol('blue', site.token, 'wn2')
  const { session } = await mine.hello()
  const id = newId('a')
  const asked = (changed: string) => mine.client.send({ method: 'GET', path: '/v1/poll', session: changed }, io)
  for (const changed of [
    session.replace(mine.id, other.id),
    `${session.slice(0, -2)}xx`,
    `${session}.x`,
    'x',
    '.',
    '..',
  ])
    t.equal((await asked(changed)).status, 401, changed)
  isLogged(t, pulley, { status: 401, kind: 'session', path: '/v1/poll', from: '127.0.0.1' })
  const started = { state: 'started', at: 1, attempt: 'attempt1' }
  t.equal((await mine.client.send({ method: 'POST', path: `/v1/actions/${id}`, body: started }, io)).status, 409)
  isLogged(t, pulley, { status: 409, kind: 'conflict', keyid: mine.id })
})

t.test("a request which is signed by one node's key in the name of another is refused", async t => {
  await using site = await ready()
  const mine = await site.pulley.enrol('blue', site.token, 'wn1')
  const other = await site.pulley.enrol('blue', site.token, 'wn2')
  await using liar = new Client({ servers: [site.pulley.agents], key: mine.key, keyid: other.id })
  const answer = await liar.send({ method: 'POST', path: '/v1/reports', body: [] }, io)
  t.equal(answer.status, 401)
  isLogged(t, site.pulley, { status: 401, kind: 'unsigned', keyid: other.id })
})

t.test('a signature counts for one method, path, query and body', async t => {
  await using site = await ready()
  const { id, key } = await site.pulley.enrol('blue', site.token, 'wn1')
  const target = '/v1/reports'
  const body = Buffer.from('[]')
  const post = (path: string, sent: string, changes = {}) =>
    fetch(site.pulley.agents + path, {
      method: 'POST',
      body: sent,
      headers: { ...signRequest({ method: 'POST', target, body }, key, id, Date.now()), ...changes },
    })
  t.equal((await post(target, '[]')).status, 400, 'as it was signed: only the list is too short')
  t.equal((await post('/v1/session', '[]')).status, 401)
  t.equal((await post(`${target}?x`, '[]')).status, 401)
  t.equal((await post(target, '[ ]')).status, 401)
  t.equal((await post(target, '[]', { signature: 'sig=:AAAA:' })).status, 401)
  t.equal((await post(target, '[]', { 'signature-input': 'sig=()' })).status, 401)
})

t.test('ids like paths lead nowhere, with any key', async t => {
  await using site = await ready()
  const { pulley, admin } = site
  const node = await pulley.enrol('blue', site.token, 'wn1')
  const paths = ['..%2f..%2fpulley.db', '%00', '%2e%2e', '..%5c..', 'a'.repeat(300), '%', '%ff', "'%20OR%201=1--"]
  for (const path of paths) {
    const before = pulley.log.length
    const answers = [
      await node.client.send({ method: 'POST', path: `/v1/actions/${path}`, body: {} }, io),
      await admin.send({ method: 'GET', path: `/admin/v1/vos/blue/actions/${path}` }, io),
      await admin.send({ method: 'GET', path: `/admin/v1/vos/blue/blobs/${path}` }, io),
      await admin.send({ method: 'DELETE', path: `/admin/v1/vos/blue/nodes/${path}` }, io),
      await admin.send({ method: 'GET', path: `/admin/v1/vos/${path}/nodes` }, io),
    ]
    for (const { status } of answers) t.ok([400, 404, 414].includes(status), `${path}: ${status}`)
    t.equal(pulley.log.length - before, answers.length, 'all are in the log')
  }
})

t.test('a body of 1 GB is refused at its first byte, also when its length is not told', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const told = await raw(
    site.pulley.agents,
    `POST /v1/reports HTTP/1.1\r\nhost: x\r\ncontent-length: ${2 ** 30}\r\n\r\n[`,
    socket => socket.once('data', () => socket.destroy()),
  )
  t.match(told, /^HTTP\/1\.1 413 /)
  isLogged(t, site.pulley, { status: 413, kind: 'too-large', path: '/v1/reports' })
  const chunk = `${(2 ** 16).toString(16)}\r\n${'x'.repeat(2 ** 16)}\r\n`
  let sent = 0
  const untold = await raw(
    site.pulley.agents,
    headersOf('/v1/reports', '[]', node, ['transfer-encoding: chunked']),
    socket => {
      const write = () => {
        if (socket.destroyed || sent > 2 ** 30) return
        sent += chunk.length
        socket.write(chunk, write)
      }
      write()
      socket.once('data', () => socket.destroy())
    },
  )
  t.match(untold, /^HTTP\/1\.1 413 /)
  t.ok(sent < 2 ** 25, `${sent} bytes were enough to know`)
})

t.test('no body is read of somebody who is not known', async t => {
  await using site = await ready()
  const { agents, admins } = site.pulley
  const stranger = { key: makeSigningKey(), id: newId('n') }
  const newcomer = makeSigningKey()
  const rows: readonly (readonly [string, string, RegExp])[] = [
    [agents, 'POST /v1/reports HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n', /401 /],
    [agents, headersOf('/v1/reports', '', stranger, ['content-length: 1000000']), /401 /],
    [
      agents,
      headersOf('/v1/reports', '', { key: newcomer, id: newcomer.publicKey }, ['content-length: 1000000']),
      /403 /,
    ],
    [agents, headersOf('/v1/nowhere', '', stranger, ['content-length: 1000000']), /404 /],
    [agents, headersOf('/v1/enrol', '', { key: newcomer, id: newcomer.publicKey }, ['content-length: 100000']), /413 /],
    [
      admins,
      headersOf('/admin/v1/vos/blue/bundles', '', { key: newcomer, id: 'vo:red' }, ['content-length: 1000000']),
      /401 /,
    ],
    [admins, headersOf('/admin/v1/vos', '', { key: newcomer, id: 'vo:blue' }, ['content-length: 1000000']), /403 /],
  ]
  for (const [url, head, expected] of rows) {
    // Nothing of the body is ever sent: the answer comes all the same.
    const answer = await raw(url, head, socket => socket.once('data', () => socket.destroy()))
    t.match(answer.split('\r\n')[0], expected, String(head.split('\r\n')[0]))
  }
})

t.test('a body which trickles is cut, while others are served', async t => {
  await using site = await ready({ connectionLimits: { bodyTimeout: 300 } })
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const trickle = raw(site.pulley.agents, headersOf('/v1/reports', '[]', node, ['content-length: 1000000']), socket => {
    const timer = setInterval(() => socket.write(' '), 20)
    socket.once('close', () => clearInterval(timer))
  })
  t.match(await node.hello(), { kind: 'welcome' })
  const answer = await trickle
  t.match(answer, /^HTTP\/1\.1 408 /)
  t.match(answer, /"error":"slow"/)
  isLogged(t, site.pulley, { status: 408, kind: 'slow', path: '/v1/reports', keyid: node.id })
})

t.test('a large body gets the time which it needs at a fair pace', async t => {
  await using site = await ready({ connectionLimits: { bodyTimeout: 100, minBytesPerSecond: 100 } })
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const body = `[${' '.repeat(60_000)}]`
  const answer = await raw(
    site.pulley.agents,
    headersOf('/v1/reports', body, node, [`content-length: ${body.length}`]),
    socket => {
      setTimeout(() => socket.write(body), 300)
      socket.once('data', () => socket.destroy())
    },
  )
  t.match(answer, /^HTTP\/1\.1 400 /, 'read whole: only the list is too short')
})

for (const [what, bytes, more] of [
  ['headers which trickle', 'GET /v1/poll HTTP/1.1\r\n', 'x: y\r\n'],
  ['a connection on which nothing comes', '', ''],
] as const)
  t.test(`${what} are cut`, async t => {
    await using site = await ready({ connectionLimits: { headersTimeout: 200 } })
    const answer = await raw(site.pulley.agents, bytes, socket => {
      const timer = setInterval(() => socket.write(more), 20)
      socket.once('close', () => clearInterval(timer))
    })
    t.match(answer, /^HTTP\/1\.1 408 /)
    isLogged(t, site.pulley, { status: 408, kind: 'slow', from: '127.0.0.1' })
  })

for (const [what, bytes, status] of [
  ['what is no HTTP', 'hello\r\n\r\n', 400],
  ['headers without end', `GET /v1/poll HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, 431],
  ['two lengths', 'POST /v1/reports HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  [
    'a length and chunks',
    'POST /v1/reports HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
  ],
] as const)
  t.test(`${what} is refused, and the connection ends`, async t => {
    await using site = await ready()
    // What it says may be lost where it did not read all that we wrote.
    t.match(await raw(site.pulley.agents, bytes), new RegExp(`^(HTTP/1\\.1 ${status} |$)`))
    isLogged(t, site.pulley, { status, from: '127.0.0.1', kind: status === 431 ? 'too-large' : 'malformed' })
  })

t.test('more connections than there may be are not taken, and told in the log', async t => {
  await using site = await ready({ connectionLimits: { maxConnections: 5 } })
  const { port, hostname } = new URL(site.pulley.agents)
  const sockets = Array.from({ length: 20 }, () => connect(Number(port), hostname))
  for (const socket of sockets) socket.on('error', () => {})
  await Promise.race(sockets.map(socket => once(socket, 'close')))
  isLogged(t, site.pulley, { kind: 'busy', message: 'too many connections' })
  for (const socket of sockets) socket.destroy()
})

t.test('a node which asks too often is told to wait, and another is not', async t => {
  const few = { burst: 3, perSecond: 0.001 }
  await using site = await ready({ rates: { polls: few, signed: few } })
  const [eager, other] = [
    await site.pulley.enrol('blue', site.token, 'a'),
    await site.pulley.enrol('blue', site.token, 'b'),
  ]
  const { session } = await eager.hello()
  const polls: number[] = []
  for (let i = 0; i < 5; i++)
    polls.push((await eager.client.send({ method: 'GET', path: '/v1/poll', session }, io)).status)
  t.strictSame(polls, [200, 200, 200, 429, 429])
  isLogged(t, site.pulley, { status: 429, kind: 'too-many', path: '/v1/poll' })
  const posts: (string | undefined)[] = []
  for (let i = 0; i < 4; i++) {
    const answer = await eager.client.send({ method: 'POST', path: '/v1/reports', body: [] }, io)
    posts.push(`${answer.status} ${answer.headers['retry-after'] ?? ''}`)
  }
  t.strictSame(posts, ['400 ', '400 ', '429 5', '429 5'], 'the hello was the first')
  t.match(await other.hello(), { kind: 'welcome' })
})

t.test('a flood of newcomers fills neither the store nor the way of the nodes which are there', async t => {
  await using site = await ready({ rates: { enrolments: { burst: 5, perSecond: 0.001 } } })
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const tried = await Promise.all(
    Array.from({ length: 60 }, () =>
      site.pulley.enrol('blue', 'a-token-which-is-none', 'wn2').then(
        () => 'enrolled',
        (thrown: Error) => thrown.message,
      ),
    ),
  )
  t.equal(tried.filter(one => /no such token/.test(one)).length, 4)
  t.equal(tried.filter(one => /too many requests/.test(one)).length, 56)
  isLogged(t, site.pulley, { status: 429, kind: 'too-many', path: '/v1/enrol' })
  t.match(await node.hello(), { kind: 'welcome' })
  await using database = openSqlite(join(site.pulley.folder, 'pulley.db'))
  const [row] = await database.all(
    sql`SELECT COUNT(*) AS count FROM nonces WHERE nonce NOT LIKE 'n-%' AND nonce NOT LIKE 'vo:%'`,
  )
  // Those of the five, and the operator's.
  t.ok(Number(row?.count) <= 6, `${row?.count} nonces`)
})

t.test('only so many uploads go on at once, and each has to be what its checksum says', async t => {
  await using site = await ready()
  const target = `/admin/v1/vos/blue/blobs/${'0'.repeat(64)}`
  const { port, hostname } = new URL(site.pulley.admins)
  const head = headersOf(target, '', { key: site.voKey, id: 'vo:blue' }, ['content-length: 5000000'])
  // Each has begun, and does not end.
  const uploads = Array.from({ length: 5 }, () => connect(Number(port), hostname))
  for (const socket of uploads) socket.write(`${head.replace('POST', 'PUT')}xxx`)
  const [answer] = await Promise.race(uploads.map(socket => once(socket, 'data')))
  t.match(String(answer), /^HTTP\/1\.1 503 /)
  t.match(String(answer), /retry-after/)
  isLogged(t, site.pulley, { status: 503, kind: 'busy', path: target })
  for (const socket of uploads) socket.destroy()
  const own = { method: 'PUT', path: target, body: Buffer.from('x') } as const
  const tried = async (): Promise<number> => {
    // The server hears of their end in its own time.
    const answer = await site.admin.send(own, io).catch(() => undefined)
    return answer?.status ?? (await tried())
  }
  t.equal(await tried(), 400)
  isLogged(t, site.pulley, { status: 400, kind: 'malformed', message: /checksum/ })
})
