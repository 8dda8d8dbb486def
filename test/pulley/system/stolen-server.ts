/** What an agent does when its server has been taken over, and answers whatever somebody else wants. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Packed } from '../../../src/pulley/bundle/tree.ts'
import { BUNDLE, SUCCESSION } from '../../../src/pulley/protocol/documents.ts'
import { type Envelope, seal } from '../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey } from '../../../src/pulley/protocol/keys.ts'
import { newId } from '../../../src/pulley/protocol/names.ts'
import { asFromElsewhere, bundleOf, enrolHere, keeping, orderOf, textOf } from '../../fixtures/program/pulley-agent.ts'

const key = makeSigningKey()
const stranger = makeSigningKey()
const NODE = newId('n')
const DAY = 24 * 3_600_000

interface Words {
  bundle?: Envelope
  orders?: readonly Envelope[]
  successions?: readonly Envelope[]
}

/** Whatever it is told to answer, where a real server would be. */
const startStolen = async () => {
  const answers = {
    enrol: { node: NODE, name: 'wn1', roles: ['worker'], voKey: key.publicKey } as Readonly<Record<string, unknown>>,
    hello: undefined as unknown,
    poll: {} as Words,
    /** Instead of a right answer to a poll. */
    raw: undefined as ((response: ServerResponse) => void) | undefined,
    content: Buffer.alloc(0) as Uint8Array,
    /** Milliseconds by which its clock is ahead. */
    ahead: 0,
  }
  const asked: string[] = []
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      const { method, url } = request
      asked.push(`${method} ${url}`)
      const time = Date.now() + answers.ahead
      const say = (body: unknown, status = 200) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      const created = Number(/created=(\d+)/.exec(String(request.headers['signature-input']))?.[1] ?? 0) * 1000
      if (created > 0 && Math.abs(created - time) > 60_000) say({ error: 'clock', message: 'wrong time', time }, 401)
      else if (url === '/v1/enrol') say(answers.enrol)
      else if (url === '/v1/session')
        say(answers.hello ?? { kind: 'welcome', session: 's', expires: time + DAY, time, rolledBack: false })
      else if (url?.startsWith('/v1/blobs/')) response.end(answers.content)
      else if (url !== '/v1/poll') say({})
      else if (answers.raw) answers.raw(response)
      else say({ time, next: 60, orders: [], cancelled: [], successions: [], ...answers.poll })
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
  return { answers, asked, url, [Symbol.asyncDispose]: close }
}

/** An agent which has bundle 5 of its VO, which keeps one file, and obeyed one order; then its server was taken over. */
const ready = async () => {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startStolen())
  const agent = stack.use(await enrolHere(server.url, 'blue', 'a-token-of-sixteen', 'wn1'))
  const path = join(agent.machine, 'greeting')
  const good = keeping(path, 'good')
  const order = orderOf(key, NODE, 'first')
  const bundle = bundleOf(key, 5, good)
  server.answers.content = good.bytes
  server.answers.poll = { bundle, orders: [order] }
  await agent.poll()
  await agent.poll() // there is contact with it
  const running = stack.move()
  const evil = keeping(path, 'evil')
  return { server, agent, path, bundle, order, evil, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

type Site = Awaited<ReturnType<typeof ready>>

/** Nothing came of it: also after a restart the agent keeps to the last that its VO has said. */
const unmoved = async (t: Test, { agent, path }: Site) => {
  t.strictSame(agent.obeyed, ['first'], 'nothing else was obeyed')
  t.equal(await textOf(path), 'good')
  await rm(path, { force: true })
  await agent.restart()
  await agent.poll()
  t.equal(await textOf(path), 'good', 'it converges on the last good bundle')
  t.strictSame(agent.obeyed, ['first'])
  t.match(await agent.progress(), { current: 5, confirmed: 5 })
  t.strictSame(await agent.outside(), ['machine', 'machine/greeting'], 'nothing lies where it should not')
}

const flipped = (text: string): string => {
  const bytes = Buffer.from(text, 'base64')
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  return bytes.toString('base64')
}

const withSignature = (document: Envelope, sig: string): Envelope => ({
  ...document,
  signatures: [{ keyid: key.publicKey, sig }],
})

const signatureOf = ({ signatures: [first] }: Envelope): string => first?.sig ?? ''

/** Content which the VO's own key has signed, and which no program of ours would have packed. */
const packed = (value: unknown): Packed => {
  const bytes = gzipSync(JSON.stringify(value))
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

const treeWith = (path: string): Packed => {
  const files = { 'policy.yaml': 'resources: []\n', [path]: 'evil\n' }
  const coded = Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')])
  return packed({ format: 1, files: Object.fromEntries(coded) })
}

/** What it offers, and what the agent says to that. */
type Row = readonly [string, (site: Site) => { poll: Words; content?: Uint8Array }, RegExp]

const refused = async (t: Test, site: Site, [what, offer, said]: Row): Promise<unknown> =>
  await t.test(what, async t => {
    const { poll, content } = offer(site)
    site.server.answers.poll = poll
    if (content) site.server.answers.content = content
    const before = site.agent.said.length
    await site.agent.poll()
    t.match(site.agent.said.slice(before).join('\n'), said)
    await unmoved(t, site)
  })

const bundles: readonly Row[] = [
  [
    'a bundle which expired before it came',
    ({ evil }) => ({ poll: { bundle: bundleOf(key, 6, evil, { expires: Date.now() - 1 }) }, content: evil.bytes }),
    /bundle 6 expired at .* before it came here; publish it again; bundle 5 stays/,
  ],
  [
    'a bundle with a flipped bit',
    ({ evil }) => {
      const bundle = bundleOf(key, 6, evil)
      return { poll: { bundle: { ...bundle, payload: flipped(bundle.payload) } }, content: evil.bytes }
    },
    /signature is not by the key of this VO; bundle 5 stays/,
  ],
  [
    'a bundle with a flipped bit in its signature',
    ({ evil }) => {
      const bundle = bundleOf(key, 6, evil)
      return { poll: { bundle: withSignature(bundle, flipped(signatureOf(bundle))) }, content: evil.bytes }
    },
    /signature is not by the key of this VO/,
  ],
  [
    'a bundle without a signature',
    ({ evil }) => ({ poll: { bundle: withSignature(bundleOf(key, 6, evil), '') }, content: evil.bytes }),
    /signature is not by the key of this VO/,
  ],
  [
    'a bundle with a flipped bit in its content',
    ({ evil }) => {
      const content = Buffer.from(evil.bytes)
      content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1
      return { poll: { bundle: bundleOf(key, 6, evil) }, content }
    },
    /bundle 6 is not taken: .*checksum.*; bundle 5 stays/,
  ],
  [
    'a bundle with the content of another',
    ({ evil }) => ({ poll: { bundle: bundleOf(key, 6, evil) }, content: keeping('/nowhere', '').bytes }),
    /bundle 6 is not taken: .*checksum/,
  ],
  [
    'an older bundle',
    ({ evil }) => ({ poll: { bundle: bundleOf(key, 4, evil) }, content: evil.bytes }),
    /bundle 4 is older than bundle \d, which was seen before; bundle 5 stays/,
  ],
  [
    "a bundle by another VO's key",
    ({ evil }) => ({ poll: { bundle: bundleOf(stranger, 6, evil) }, content: evil.bytes }),
    /signature is not by the key of this VO/,
  ],
  [
    "a bundle by another VO's key, which names this VO's key",
    ({ evil }) => {
      const bundle = bundleOf(stranger, 6, evil)
      return { poll: { bundle: withSignature(bundle, signatureOf(bundle)) }, content: evil.bytes }
    },
    /signature is not by the key of this VO/,
  ],
  [
    'a bundle for another VO by the same key',
    ({ evil }) => ({ poll: { bundle: bundleOf(key, 6, evil, { vo: 'red' }) }, content: evil.bytes }),
    /bundle 6 is for VO red; bundle 5 stays/,
  ],
  [
    'an order in place of a bundle',
    () => ({ poll: { bundle: orderOf(key, NODE, 'evil') } }),
    /it is a "application\/vnd.stoker.order\+json"/,
  ],
  [
    'an order which calls itself a bundle',
    () => ({ poll: { bundle: { ...orderOf(key, NODE, 'evil'), payloadType: BUNDLE.type } } }),
    /signature is not by the key of this VO/,
  ],
  ...[
    '../escaped',
    '/tmp/stoker-escaped',
    'a/../../../escaped',
    'files/..',
    './x',
    'a//b',
    'a\\..\\b',
    'nul\0',
    '',
  ].map(
    (path): Row => [
      `a bundle which the VO has signed, with a file at ${JSON.stringify(path)}`,
      () => {
        const content = treeWith(path)
        return { poll: { bundle: bundleOf(key, 6, content) }, content: content.bytes }
      },
      /bundle 6 is not taken: .*is no path below the folder.*; bundle 5 stays/,
    ],
  ),
  [
    'a bundle with something which is no file, as a link',
    () => {
      const content = packed({ format: 1, files: { 'policy.yaml': { link: '/etc/shadow' } } })
      return { poll: { bundle: bundleOf(key, 6, content) }, content: content.bytes }
    },
    /bundle 6 is not taken/,
  ],
  [
    'a bundle with a file where another has its folder',
    () => {
      const files = { a: '', 'a/b': '', 'policy.yaml': '' }
      const content = packed({ format: 1, files })
      return { poll: { bundle: bundleOf(key, 6, content) }, content: content.bytes }
    },
    /bundle 6 is not taken/,
  ],
  [
    'a bundle whose content is no archive',
    () => {
      const bytes = Buffer.from('no archive')
      const content = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
      return { poll: { bundle: bundleOf(key, 6, content) }, content: bytes }
    },
    /bundle 6 is not taken: .*damaged/,
  ],
]
t.test('what is no newer bundle of the VO is refused and told, and the last good one stays', async t => {
  await using site = await ready()
  for (const row of bundles) await refused(t, site, row)
})

const orders: readonly Row[] = [
  [
    'an order for another node',
    () => ({ poll: { orders: [orderOf(key, newId('n'), 'evil')] } }),
    /an order is refused: it is for node n-/,
  ],
  [
    'an order for another VO',
    () => ({ poll: { orders: [orderOf(key, NODE, 'evil', { vo: 'red' })] } }),
    /refused: it is for node .* of VO red/,
  ],
  [
    'an order by another key',
    () => ({ poll: { orders: [orderOf(stranger, NODE, 'evil')] } }),
    /not by the key of this VO/,
  ],
  [
    'an order whose argument was changed',
    () => {
      const order = orderOf(key, NODE, 'harmless')
      const document = JSON.parse(Buffer.from(order.payload, 'base64').toString())
      const payload = Buffer.from(JSON.stringify({ ...document, argument: 'evil' })).toString('base64')
      return { poll: { orders: [{ ...order, payload }] } }
    },
    /not by the key of this VO/,
  ],
  ['an order which has been obeyed', ({ order }) => ({ poll: { orders: [order] } }), /^$/],
  [
    'an order whose time is over',
    () => ({ poll: { orders: [orderOf(key, NODE, 'evil', { expires: Date.now() - 1 })] } }),
    /: expired/,
  ],
  [
    'an order with the id of one which has been obeyed',
    ({ order }) => {
      const { id } = JSON.parse(Buffer.from(order.payload, 'base64').toString())
      return { poll: { orders: [orderOf(key, NODE, 'evil', { id })] } }
    },
    /^$/,
  ],
  [
    'an order whose id is a path, by the right key',
    () => ({ poll: { orders: [orderOf(key, NODE, 'evil', { id: '../../evil' })] } }),
    /not of the expected shape/,
  ],
  [
    'a bundle in place of an order',
    ({ bundle }) => ({ poll: { orders: [bundle] } }),
    /a document of type .*order.* is refused/,
  ],
]
t.test('what is no new order of the VO for this node is not obeyed', async t => {
  await using site = await ready()
  for (const row of orders) await refused(t, site, row)
})

t.test('an order which expired long ago is not obeyed because a server tells the time of then', async t => {
  await using site = await ready()
  const expires = Date.now() - 30 * DAY
  site.server.answers.poll = { orders: [orderOf(key, NODE, 'evil', { expires })] }
  site.server.answers.ahead = -31 * DAY
  await site.agent.restart()
  await site.agent.poll()
  t.match(site.agent.said.join('\n'), /: expired/)
  await unmoved(t, site)
})

t.test(
  'nor is an order obeyed again which was forgotten because it was told long ago, as long as it could be',
  async t => {
    await using site = await ready()
    const order = orderOf(key, NODE, 'second', { expires: Date.now() + 400 * DAY })
    site.server.answers.poll = { orders: [order] }
    await site.agent.poll()
    t.strictSame(site.agent.obeyed, ['first', 'second'])
    const { id } = JSON.parse(Buffer.from(order.payload, 'base64').toString())
    const file = `actions/${id}.json`
    const entry = JSON.parse((await site.agent.state.text(file)) ?? '')
    await site.agent.state.write(file, { ...entry, taken: Date.now() - 100 * DAY })
    await site.agent.restart()
    await site.agent.poll()
    await site.agent.restart()
    await site.agent.poll()
    t.strictSame(site.agent.obeyed, ['first', 'second'])
  },
)

const successions: readonly (readonly [string, () => Envelope])[] = [
  [
    'by a stranger',
    () => seal(SUCCESSION, { vo: 'blue', successor: stranger.publicKey, issued: Date.now() }, stranger),
  ],
  [
    'by the right key for another VO',
    () => seal(SUCCESSION, { vo: 'red', successor: stranger.publicKey, issued: Date.now() }, key),
  ],
  ['made of an order', () => ({ ...orderOf(key, NODE, stranger.publicKey), payloadType: SUCCESSION.type })],
]
for (const [what, document] of successions)
  t.test(`a succession ${what} hands nothing on`, async t => {
    await using site = await ready()
    const { evil } = site
    site.server.answers.poll = {
      successions: [document()],
      bundle: bundleOf(stranger, 6, evil),
      orders: [orderOf(stranger, NODE, 'evil')],
    }
    site.server.answers.content = evil.bytes
    await site.agent.poll()
    t.match(site.agent.said.join('\n'), /not by the key of this VO|for VO red/)
    await unmoved(t, site)
  })

t.test('after a succession the former key gives no orders any more', async t => {
  await using site = await ready()
  const next = makeSigningKey()
  const succession = seal(SUCCESSION, { vo: 'blue', successor: next.publicKey, issued: Date.now() }, key)
  site.server.answers.poll = { successions: [succession], orders: [orderOf(next, NODE, 'second')] }
  await site.agent.poll()
  t.strictSame(site.agent.obeyed, ['first', 'second'])
  site.server.answers.poll = { successions: [succession], orders: [orderOf(key, NODE, 'evil')] }
  await site.agent.poll()
  t.strictSame(site.agent.obeyed, ['first', 'second'])
})

const send =
  (status: number, body: string, headers = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(body)

const nonsense: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['no JSON', send(200, '<html>\u001b[2J')],
  ['JSON of another shape', send(200, '{"orders": "all"}')],
  [
    'more than may be in it',
    send(200, '{"time": 1, "next": 60, "orders": [], "cancelled": [], "successions": [], "more": 1}'),
  ],
  ['a way to another place', send(302, '', { location: 'http://127.0.0.1:1/' })],
  [
    'a refusal with words for the terminal',
    send(403, JSON.stringify({ error: 'x', message: '\u001b[2Jgone', time: 1 })),
  ],
  ['trouble', send(500, 'x')],
  ['nothing, and the end of the connection', response => void response.destroy()],
]
t.test('a poll which is answered with nonsense is no contact, and harms nothing', async t => {
  await using site = await ready()
  for (const [what, raw] of nonsense)
    await t.test(what, async t => {
      site.server.answers.raw = raw
      t.equal(await site.agent.poll(), false)
      t.match(site.agent.said.at(-1), /^no contact/)
      t.notOk(site.agent.said.join('').includes('\u001b'), 'nothing in it is for a terminal')
      await unmoved(t, site)
    })
})

t.test('a machine which is told that it is a clone, and is none, stays who it is', async t => {
  await using site = await ready()
  site.server.answers.hello = { kind: 'clone' }
  site.server.answers.enrol = { node: NODE, name: 'wn1', roles: [], voKey: stranger.publicKey }
  site.server.answers.poll = { orders: [site.order], bundle: bundleOf(stranger, 1, site.evil) }
  await site.agent.restart()
  await site.agent.poll()
  t.match(site.agent.said.at(-1), /says that this machine is a clone .* but it is that one/)
  t.equal(site.server.asked.filter(one => one === 'POST /v1/enrol').length, 1, 'only at the beginning')
  await unmoved(t, site)
})

t.test('a clone which enrols anew obeys the key which it has pinned, and no other', async t => {
  await using site = await ready()
  await asFromElsewhere(site.agent)
  const other = newId('n')
  const { answers } = site.server
  answers.enrol = { node: other, name: 'wn2', roles: [], voKey: stranger.publicKey }
  answers.hello = { kind: 'clone' }
  answers.poll = { orders: [site.order, orderOf(stranger, other, 'evil')], bundle: bundleOf(stranger, 9, site.evil) }
  await site.agent.restart()
  await site.agent.poll()
  answers.hello = undefined
  await site.agent.poll()
  await site.agent.poll()
  t.strictSame(site.agent.obeyed, ['first'])
  t.match(site.agent.said.join('\n'), /not by the key of this VO/)
  answers.poll = { orders: [orderOf(key, other, 'second')] }
  await site.agent.poll()
  t.strictSame(site.agent.obeyed, ['first', 'second'])
})

t.test('a clone is not given the identity again whose orders were obeyed', async t => {
  await using site = await ready()
  await asFromElsewhere(site.agent)
  site.server.answers.hello = { kind: 'clone' }
  site.server.answers.poll = { orders: [site.order] }
  await site.agent.restart()
  await t.rejects(site.agent.poll(), { code: 'UNTRUSTED', message: /the server gives node/ })
  t.strictSame(site.agent.obeyed, ['first'])
})
