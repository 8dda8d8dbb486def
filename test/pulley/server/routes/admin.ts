/** Every route for administrators, asked by everybody: only whose it is gets an answer. */
import t from 'tap'
import { Client, type ClientRequest } from '../../../../src/pulley/client/client.ts'
import { SUCCESSION } from '../../../../src/pulley/protocol/documents.ts'
import { seal } from '../../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey } from '../../../../src/pulley/protocol/keys.ts'
import { newId } from '../../../../src/pulley/protocol/names.ts'
import { SIGNAL, startPulley } from '../../../fixtures/program/pulley.ts'
import { bundleOf, keeping, orderOf } from '../../../fixtures/program/pulley-agent.ts'

const io = { signal: SIGNAL }

const ready = async () => {
  await using stack = new AsyncDisposableStack()
  const pulley = stack.use(await startPulley())
  const { admin, key } = await pulley.vo('blue')
  const { admin: red } = await pulley.vo('red')
  const token = await pulley.token('blue')
  const node = await pulley.enrol('blue', token, 'wn1')
  const { node: nodeKey, id } = { node: node.key, id: node.id }
  const stranger = makeSigningKey()
  const servers = [pulley.admins]
  const others = {
    'another VO': red,
    'a node': stack.use(new Client({ servers, key: nodeKey, keyid: id })),
    'a newcomer': stack.use(new Client({ servers, key: stranger, keyid: stranger.publicKey })),
    'a stranger in the name of the VO': stack.use(new Client({ servers, key: stranger, keyid: 'vo:blue' })),
    'a stranger in the name of the operator': stack.use(new Client({ servers, key: stranger, keyid: 'operator' })),
  }
  const tokens = (await admin.json({ method: 'GET', path: '/admin/v1/vos/blue/tokens' }, io)) as { id: string }[]
  const running = stack.move()
  return {
    ...{ pulley, admin, key, node, others, tokenId: tokens[0]?.id ?? '' },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

type Site = Awaited<ReturnType<typeof ready>>

const packed = keeping('/nowhere', '')
const action = newId('a')
const next = makeSigningKey()
const BLUE = '/admin/v1/vos/blue'
const waves = { steps: [{ nodes: 1 }, { share: 1 }], maxFail: 0 }

/** The route as the description has it; whose it is; what is asked; and the answer to whom it belongs to. In this order they all succeed. */
type Row = readonly [string, 'operator' | 'vo', (site: Site) => readonly [string, unknown?], object]

const rows: readonly Row[] = [
  [
    'POST /admin/v1/vos',
    'operator',
    () => ['/admin/v1/vos', { name: 'green', publicKey: next.publicKey }],
    { name: 'green', successions: [] },
  ],
  ['GET /admin/v1/vos', 'operator', () => ['/admin/v1/vos'], [{ name: 'blue' }, { name: 'green' }, { name: 'red' }]],
  ['GET /admin/v1/vos/{vo}', 'vo', () => [BLUE], { name: 'blue' }],
  [
    'POST /admin/v1/vos/{vo}/tokens',
    'vo',
    () => [`${BLUE}/tokens`, { hash: '0'.repeat(64), uses: 1, expires: 1, roles: [] }],
    { id: /^t-/, usesLeft: 1 },
  ],
  ['GET /admin/v1/vos/{vo}/tokens', 'vo', () => [`${BLUE}/tokens`], { length: 2 }],
  ['DELETE /admin/v1/vos/{vo}/tokens/{id}', 'vo', ({ tokenId }) => [`${BLUE}/tokens/${tokenId}`], {}],
  ['GET /admin/v1/vos/{vo}/nodes', 'vo', () => [`${BLUE}/nodes`], [{ name: 'wn1', roles: ['worker'] }]],
  ['PATCH /admin/v1/vos/{vo}/nodes/{id}', 'vo', ({ node }) => [`${BLUE}/nodes/${node.id}`, { roles: ['db'] }], {}],
  ['PUT /admin/v1/vos/{vo}/blobs/{sha256}', 'vo', () => [`${BLUE}/blobs/${packed.sha256}`, packed.bytes], {}],
  ['GET /admin/v1/vos/{vo}/blobs/{sha256}', 'vo', () => [`${BLUE}/blobs/${packed.sha256}`], {}],
  [
    'POST /admin/v1/vos/{vo}/bundles',
    'vo',
    ({ key }) => [`${BLUE}/bundles`, { document: bundleOf(key, 1, packed), note: '', waves }],
    { serial: 1 },
  ],
  ['GET /admin/v1/vos/{vo}/bundles', 'vo', () => [`${BLUE}/bundles`], [{ serial: 1, waves: { state: 'running' } }]],
  [
    'POST /admin/v1/vos/{vo}/bundles/{serial}/waves',
    'vo',
    () => [`${BLUE}/bundles/1/waves`, { do: 'halt' }],
    { state: 'halted' },
  ],
  [
    'POST /admin/v1/vos/{vo}/actions',
    'vo',
    ({ key, node }) => [
      `${BLUE}/actions`,
      { batch: newId('a'), name: 'shell', documents: [orderOf(key, node.id, 'x', { id: action })] },
    ],
    { queued: 1 },
  ],
  ['GET /admin/v1/vos/{vo}/actions', 'vo', () => [`${BLUE}/actions?limit=1`], [{ id: action, state: 'queued' }]],
  ['GET /admin/v1/vos/{vo}/actions/{id}', 'vo', () => [`${BLUE}/actions/${action}`], { id: action }],
  ['GET /admin/v1/vos/{vo}/actions/{id}/output', 'vo', () => [`${BLUE}/actions/${action}/output`], []],
  [
    'POST /admin/v1/vos/{vo}/actions/{id}/cancel',
    'vo',
    () => [`${BLUE}/actions/${action}/cancel`, {}],
    { state: 'cancelled' },
  ],
  ['GET /admin/v1/vos/{vo}/reports', 'vo', ({ node }) => [`${BLUE}/reports?node=${node.id}`], []],
  ['DELETE /admin/v1/vos/{vo}/nodes/{id}', 'vo', ({ node }) => [`${BLUE}/nodes/${node.id}`], {}],
  [
    'POST /admin/v1/vos/{vo}/key',
    'vo',
    ({ key }) => [
      `${BLUE}/key`,
      { document: seal(SUCCESSION, { vo: 'blue', successor: next.publicKey, issued: Date.now() }, key) },
    ],
    { publicKey: next.publicKey, successions: { length: 1 } },
  ],
]

const askedOf = ([route, , ask]: Row, site: Site): ClientRequest => {
  const [path, body] = ask(site)
  return { method: route.split(' ')[0] as ClientRequest['method'], path, ...(body !== undefined && { body }) }
}

t.test('each route of administrators answers whose it is, and refuses everybody else', async t => {
  await using site = await ready()
  const { pulley, admin, others } = site
  for (const row of rows) {
    const [route, who, , expected] = row
    const asked = askedOf(row, site)
    await t.test(route, async t => {
      const wrong = { ...others, ...(who === 'vo' ? { 'the operator': pulley.operator } : { 'a VO': admin }) }
      const before = pulley.log.length
      for (const [name, client] of Object.entries(wrong)) {
        // Before its end the node is one; after that not even its key is known.
        const { status } = await client.send(asked, io)
        t.ok(status === 401 || status === 403, `${name}: ${status}`)
      }
      const { path, method, body } = asked
      const unsigned = await fetch(pulley.admins + path, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      t.equal(unsigned.status, 401, 'nobody')
      const refused = pulley.log.slice(before).filter(line => line.event === 'refused')
      t.equal(refused.length, Object.keys(wrong).length + 1, 'each is in the log')
      const own = who === 'vo' ? admin : pulley.operator
      const answer = await own.send(asked, io)
      t.equal(answer.status, 200, Buffer.from(answer.body).toString('utf8', 0, 300))
      if (path.includes('/blobs/')) return
      t.match(JSON.parse(Buffer.from(answer.body).toString()), expected)
    })
  }
})

t.test('what has no right shape, or is not there, is refused with words which help', async t => {
  await using site = await ready()
  const { admin, key, node } = site
  const publish = (document: unknown, more = {}) =>
    ['POST', `${BLUE}/bundles`, { document, note: '', ...more }] as const
  const send = (document: unknown) =>
    ['POST', `${BLUE}/actions`, { batch: newId('a'), name: 'x', documents: [document] }] as const
  const cases: readonly (readonly [string, readonly [ClientRequest['method'], string, unknown?], number, RegExp])[] = [
    ['no JSON', ['POST', `${BLUE}/tokens`, Buffer.from('{')], 400, /no JSON/],
    ['no body', ['POST', `${BLUE}/tokens`], 400, /expected object/],
    ['a number which is none', ['POST', `${BLUE}/tokens`, { uses: 'many' }], 400, /hash|uses/],
    ['a field too many', ['PATCH', `${BLUE}/nodes/${node.id}`, { roles: [], more: 1 }], 400, /more/],
    ['a role which is none', ['PATCH', `${BLUE}/nodes/${node.id}`, { roles: ['a b'] }], 400, /roles\.0.*plain word/],
    ['a query which is none', ['GET', `${BLUE}/actions?limit=0`], 400, /1/],
    ['a bundle whose content is not there', publish(bundleOf(key, 1, packed)), 409, /content has not been uploaded/],
    ['a bundle by another key', publish(bundleOf(makeSigningKey(), 1, packed)), 400, /not by the key of this VO/],
    ['a bundle for another VO', publish(bundleOf(key, 1, packed, { vo: 'red' })), 403, /for VO red/],
    ['an order as a bundle', publish(orderOf(key, node.id, 'x')), 400, /it is a/],
    ['an order for a node which is not there', send(orderOf(key, newId('n'), 'x')), 404, /no node n-.* in VO blue/],
    [
      'waves of a bundle which is not there',
      ['POST', `${BLUE}/bundles/7/waves`, { do: 'halt' }],
      404,
      /no such bundle/,
    ],
    ['a token which is not there', ['DELETE', `${BLUE}/tokens/${newId('t')}`], 404, /no such token/],
    ['a node which is not there', ['DELETE', `${BLUE}/nodes/${newId('n')}`], 404, /no such node/],
    ['an action which is not there', ['POST', `${BLUE}/actions/${newId('a')}/cancel`, {}], 404, /no such action/],
    ['content which is not there', ['GET', `${BLUE}/blobs/${'0'.repeat(64)}`], 404, /no such content/],
    ['a route which is not there', ['GET', `${BLUE}/more`], 404, /nothing here/],
    ['a method which is not there', ['PUT', `${BLUE}/nodes`, {}], 404, /nothing here/],
  ]
  for (const [what, [method, path, body], status, message] of cases) {
    const answer = await admin.send({ method, path, ...(body !== undefined && { body }) }, io)
    t.equal(answer.status, status, what)
    t.match(JSON.parse(Buffer.from(answer.body).toString()), { error: String, message, time: Number }, what)
  }
})

t.test('a VO is made once; the same again is the same, another key is a conflict', async t => {
  await using site = await ready()
  const make = (name: string, publicKey: string) =>
    site.pulley.operator.send({ method: 'POST', path: '/admin/v1/vos', body: { name, publicKey } }, io)
  t.equal((await make('blue', site.key.publicKey)).status, 200)
  t.equal((await make('blue', next.publicKey)).status, 409)
  for (const name of ['Blue', 'a b', '../x', '', '-', 'a'.repeat(64)])
    t.equal((await make(name, next.publicKey)).status, 400, name)
})

t.test('the table above has every route which the description has', async t => {
  await using site = await ready()
  const { paths } = (await (await fetch(`${site.pulley.admins}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
  )
  const open = ['GET /healthz', 'GET /openapi.json', 'GET /metrics']
  t.strictSame(described.toSorted(), [...rows.map(([route]) => route), ...open].toSorted())
  for (const route of open) {
    const { status } = await fetch(site.pulley.admins + route.split(' ')[1])
    t.equal(status, 200, route)
  }
})
