import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { Client } from '../../../../src/pulley/client/client.ts'
import { makeSigningKey } from '../../../../src/pulley/protocol/keys.ts'
import { newId } from '../../../../src/pulley/protocol/names.ts'
import { signRequest } from '../../../../src/pulley/protocol/signature.ts'
import { SIGNAL, startPulley } from '../../../fixtures/program/pulley.ts'

const io = { signal: SIGNAL }

const ready = async () => {
  const pulley = await startPulley()
  const { admin, key } = await pulley.vo('blue')
  const token = await pulley.token('blue')
  return { pulley, admin, voKey: key, token, [Symbol.asyncDispose]: () => pulley[Symbol.asyncDispose]() }
}

t.test('a node enrols, says hello and polls; nothing new is 304', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const { session, kind } = await node.hello()
  t.equal(kind, 'welcome')
  const first = await node.client.send({ method: 'GET', path: '/v1/poll', session }, io)
  t.equal(first.status, 200)
  t.match(JSON.parse(Buffer.from(first.body).toString()), {
    next: 60,
    orders: { length: 0 },
    cancelled: { length: 0 },
    successions: { length: 0 },
  })
  const again = {
    method: 'GET',
    path: '/v1/poll',
    session,
    headers: { 'if-none-match': String(first.headers.etag) },
  } as const
  const second = await node.client.send(again, io)
  t.equal(second.status, 304)
  t.equal(second.headers['pulley-next'], '60')
  t.equal(second.body.length, 0)
})

t.test('an answer to the enrolment which was lost can be had again, and takes no second use', async t => {
  await using site = await ready()
  const token = await site.pulley.token('blue', { uses: 1 })
  const key = makeSigningKey()
  await using client = new Client({ servers: [site.pulley.agents], key, keyid: key.publicKey })
  const body = {
    ...{ vo: 'blue', token, name: 'wn1', publicKey: key.publicKey, sealKey: key.publicKey, version: '1' },
    fingerprint: { macs: [] },
  }
  const first = await client.json({ method: 'POST', path: '/v1/enrol', body }, io)
  t.strictSame(await client.json({ method: 'POST', path: '/v1/enrol', body }, io), first)
  t.match(first, { name: 'wn1', roles: ['worker'], voKey: site.voKey.publicKey })
  await t.rejects(site.pulley.enrol('blue', token, 'wn2'), { code: 'REFUSED', message: /as often as it may/ })
})

t.test('whoever asks with a wrong clock is told the time, and signs again', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const target = '/v1/session'
  const body = Buffer.from('{}')
  const at = (now: number) =>
    fetch(`${site.pulley.agents}${target}`, {
      method: 'POST',
      body,
      headers: {
        ...signRequest({ method: 'POST', target, body }, node.key, node.id, now),
        'content-type': 'application/json',
      },
    })
  const late = await at(Date.now() - 3_600_000)
  t.equal(late.status, 401)
  const told = (await late.json()) as { error: string; time: number }
  t.equal(told.error, 'clock')
  t.equal((await at(told.time)).status, 400, 'now it is only the body that is wrong')
})

t.test('a request made twice is refused the second time, also by a server which has been started anew', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const target = '/v1/session'
  const body = Buffer.from(
    JSON.stringify({
      fingerprint: { machineId: 'wn1', macs: [] },
      bootId: 'b',
      version: '1',
      addresses: [],
      turn: 1,
      serial: 0,
    }),
  )
  const headers = {
    ...signRequest({ method: 'POST', target, body }, node.key, node.id, Date.now()),
    'content-type': 'application/json',
  }
  const send = () =>
    fetch(`${site.pulley.agents}${target}`, { method: 'POST', body, headers: { ...headers, connection: 'close' } })
  t.equal((await send()).status, 200)
  const again = await send()
  t.equal(again.status, 401)
  t.match(await again.json(), { error: 'replayed' })
  await site.pulley.restart()
  t.match(await (await send()).json(), { error: 'replayed' })
  t.ok(
    site.pulley.log.some(line => line.kind === 'replayed'),
    'it is in the log',
  )
})

t.test('another machine with the same identity is told that it is a clone, and the VO can see it', async t => {
  await using site = await ready()
  const macs = ['52:54:00:00:00:01']
  const node = await site.pulley.enrol('blue', site.token, 'wn1', { machineId: 'one', macs })
  for (const fingerprint of [
    { machineId: 'two', macs },
    { machineId: 'one', macs: ['52:54:00:00:00:02'] },
  ])
    t.match(await node.hello({ fingerprint }), { kind: 'clone' })
  t.match(await node.hello({ fingerprint: { machineId: 'one', macs: ['52:54:00:00:00:09', ...macs] } }), {
    kind: 'welcome',
  })
  t.match(await site.admin.json({ method: 'GET', path: '/admin/v1/vos/blue/nodes' }, io), [
    { id: node.id, clonesSeen: 2 },
  ])
})

t.test('a state folder put back is seen', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  t.match(await node.hello({ turn: 7 }), { rolledBack: false })
  t.match(await node.hello({ turn: 7 }), { rolledBack: true })
})

t.test('nobody gets anything of another node or VO', async t => {
  await using site = await ready()
  const { pulley } = site
  const { admin: red } = await pulley.vo('red')
  const mine = await pulley.enrol('blue', site.token, 'wn1')
  const other = await pulley.enrol('red', await pulley.token('red'), 'wn1')
  const { session } = await mine.hello()
  const answers = [
    await mine.client.send(
      { method: 'POST', path: `/v1/actions/${newId('a')}`, body: { state: 'started', at: 1, attempt: 'attempt1' } },
      io,
    ),
    await red.send({ method: 'GET', path: '/admin/v1/vos/blue/nodes' }, io),
    await red.send({ method: 'DELETE', path: `/admin/v1/vos/red/nodes/${mine.id}` }, io),
    await mine.client.send({ method: 'GET', path: '/admin/v1/vos/blue/nodes' }, io),
    await pulley.operator.send({ method: 'GET', path: '/admin/v1/vos/blue/nodes' }, io),
    await site.admin.send(
      { method: 'POST', path: '/admin/v1/vos', body: { name: 'x', publicKey: 'A'.repeat(43) } },
      io,
    ),
    await other.client.send({ method: 'GET', path: '/v1/poll', session: `${session}x` }, io),
    await other.client.send({ method: 'GET', path: '/v1/poll', session: session.replace(mine.id, other.id) }, io),
    await mine.client.send({ method: 'GET', path: '/v1/poll' }, io),
    await mine.client.send({ method: 'GET', path: `/v1/blobs/${'0'.repeat(64)}`, session }, io),
  ]
  t.strictSame(
    answers.map(one => one.status),
    [409, 403, 404, 404, 403, 403, 401, 401, 401, 404],
  )
})

t.test('ids like paths lead nowhere', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const { session } = await node.hello()
  for (const path of [
    '/v1/blobs/..%2f..%2fpulley.db',
    '/v1/blobs/%00',
    '/v1/../healthz/x',
    '/v1/actions/..%2f/output',
  ]) {
    const { status } = await node.client.send({ method: 'GET', path, session }, io)
    t.ok([400, 404].includes(status), `${path}: ${status}`)
  }
  const { status } = await node.client.send(
    { method: 'POST', path: '/v1/actions/..%2f', body: { state: 'started', at: 1, attempt: 'attempt1' } },
    io,
  )
  t.equal(status, 404)
})

t.test('a body which is too large is refused before it is read', async t => {
  await using site = await ready()
  const { port, hostname } = new URL(site.pulley.agents)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /v1/reports HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${2 ** 30}\r\n\r\n[`,
  )
  const [data] = await once(socket, 'data')
  t.match(String(data), /^HTTP\/1\.1 413 /)
  socket.destroy()
  t.match(site.pulley.log.at(-1), { status: 413, path: '/v1/reports' })
})

t.test('a revoked node is out at once, with its session', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const { session } = await node.hello()
  await site.admin.json({ method: 'DELETE', path: `/admin/v1/vos/blue/nodes/${node.id}` }, io)
  t.equal((await node.client.send({ method: 'GET', path: '/v1/poll', session }, io)).status, 403)
  await t.rejects(node.hello(), { code: 'REFUSED', message: /revoked/ })
})

t.test('a poll which may wait hears of news at once, and of nothing when its time is over', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const { session } = await node.hello()
  const { headers } = await node.client.send({ method: 'GET', path: '/v1/poll', session }, io)
  const wait = (seconds: number) =>
    node.client.send(
      { method: 'GET', path: `/v1/poll?wait=${seconds}`, session, headers: { 'if-none-match': String(headers.etag) } },
      io,
    )
  t.equal((await wait(1)).status, 304)
  const waiting = wait(30)
  await site.admin.json({ method: 'PATCH', path: `/admin/v1/vos/blue/nodes/${node.id}`, body: { roles: ['db'] } }, io)
  t.equal((await waiting).status, 200)
})

t.test('a server which ends lets who waits go, and the store opens cleanly again', async t => {
  await using site = await ready()
  const node = await site.pulley.enrol('blue', site.token, 'wn1')
  const { session } = await node.hello()
  const { headers } = await node.client.send({ method: 'GET', path: '/v1/poll', session }, io)
  const ask = {
    method: 'GET',
    path: '/v1/poll?wait=60',
    session,
    headers: { 'if-none-match': String(headers.etag) },
  } as const
  const waiting = node.client.send(ask, io)
  await node.client.send({ method: 'GET', path: '/healthz', session }, io)
  await site.pulley.restart()
  t.equal((await waiting).status, 304)
  t.equal((await node.client.send({ ...ask, path: '/v1/poll' }, io)).status, 304, 'the session is as good as before')
})
