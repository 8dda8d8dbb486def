/** A server keeps to the bounds of the protocol: whatever waits for a node, the node can read the answer. */
import t from 'tap'
import { Client } from '../../../../src/pulley/client/client.ts'
import { BUNDLE, SUCCESSION } from '../../../../src/pulley/protocol/documents.ts'
import { seal } from '../../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey } from '../../../../src/pulley/protocol/keys.ts'
import {
  MAX_CANCELLED_PER_POLL,
  MAX_ORDERS_PER_POLL,
  MAX_POLL_INTERVAL,
  MAX_SUCCESSIONS,
} from '../../../../src/pulley/protocol/limits.ts'
import { pollAnswer } from '../../../../src/pulley/protocol/messages.ts'
import { newId } from '../../../../src/pulley/protocol/names.ts'
import { type Pulley, type PulleyNode, SIGNAL, startPulley } from '../../../fixtures/program/pulley.ts'
import { keeping, orderOf } from '../../../fixtures/program/pulley-agent.ts'

const io = { signal: SIGNAL }
const BLUE = '/admin/v1/vos/blue'

const ready = async (options: Parameters<typeof startPulley>[0] = {}) => {
  const pulley = await startPulley(options)
  const { admin, key } = await pulley.vo('blue')
  const node = await pulley.enrol('blue', await pulley.token('blue'), 'wn1')
  return { pulley, admin, key, node, [Symbol.asyncDispose]: () => pulley[Symbol.asyncDispose]() }
}

/** What the node is told; throws where an agent could not read it. */
const poll = async (node: PulleyNode) => {
  const { session } = await node.hello()
  const { body } = await node.client.send({ method: 'GET', path: '/v1/poll', session }, io)
  return pollAnswer.parse(JSON.parse(Buffer.from(body).toString()))
}

t.test('an interval which no agent would take is refused before anything listens', async t => {
  for (const interval of [0, MAX_POLL_INTERVAL + 1, 1.5])
    await t.rejects(
      startPulley({ settings: { interval } }),
      { code: 'USAGE', message: /from 1 to 86400/ },
      `${interval}`,
    )
  await using site = await ready({ settings: { interval: MAX_POLL_INTERVAL } })
  t.equal((await poll(site.node)).next, MAX_POLL_INTERVAL)
})

t.test('more orders than fit into one answer come one answer after the other', async t => {
  await using site = await ready()
  const { admin, key, node } = site
  const count = MAX_CANCELLED_PER_POLL + 2 * MAX_ORDERS_PER_POLL
  const documents = Array.from({ length: count }, (_, i) => orderOf(key, node.id, `${i}`))
  for (let at = 0; at < count; at += 1000) {
    const body = { batch: newId('a'), name: 'shell', documents: documents.slice(at, at + 1000) }
    await admin.json({ method: 'POST', path: `${BLUE}/actions`, body }, io)
  }
  const { orders, cancelled } = await poll(node)
  t.equal(orders.length, MAX_ORDERS_PER_POLL)
  t.strictSame(cancelled, [], 'nobody has cancelled any')
})

t.test('an action which runs is cancelled however many wait', async t => {
  await using site = await ready()
  const { admin, key, node } = site
  const running = newId('a')
  const send = async (documents: readonly object[]) =>
    await admin.json({ method: 'POST', path: `${BLUE}/actions`, body: { batch: newId('a'), name: 'x', documents } }, io)
  await send([orderOf(key, node.id, 'sleep', { id: running })])
  const started = { state: 'started', at: Date.now(), attempt: 'the only one' }
  await node.client.json({ method: 'POST', path: `/v1/actions/${running}`, body: started }, io)
  await send(Array.from({ length: 150 }, (_, i) => orderOf(key, node.id, `${i}`)))
  await admin.json({ method: 'POST', path: `${BLUE}/actions/${running}/cancel`, body: {} }, io)
  t.strictSame((await poll(node)).cancelled, [running])
})

t.test('a VO may change its key as often as it likes', async t => {
  await using site = await ready()
  const { pulley, node } = site
  let { key } = site
  for (let time = 0; time <= MAX_SUCCESSIONS; time++) key = await rekey(pulley, key)
  const { successions } = await poll(node)
  t.equal(successions.length, MAX_SUCCESSIONS)
  const [last] = successions.slice(-1)
  t.match(JSON.parse(Buffer.from(last?.payload ?? '', 'base64').toString()), { successor: key.publicKey })
})

const rekey = async (pulley: Pulley, key: Parameters<typeof seal>[2]) => {
  const next = makeSigningKey()
  await using client = new Client({ servers: [pulley.admins], key, keyid: 'vo:blue' })
  const document = seal(SUCCESSION, { vo: 'blue', successor: next.publicKey, issued: Date.now() }, key)
  await client.json({ method: 'POST', path: `${BLUE}/key`, body: { document } }, io)
  return next
}

t.test('a bundle which names very many nodes can be published', async t => {
  await using site = await ready()
  const { admin, key, node } = site
  const content = keeping('/nowhere', 'x')
  await admin.json({ method: 'PUT', path: `${BLUE}/blobs/${content.sha256}`, body: content.bytes }, io)
  const nodes = Array.from({ length: 20_000 }, (_, i) => ({
    id: newId('n'),
    name: `wn${i}.example.org`,
    roles: ['worker'],
  }))
  const document = seal(
    BUNDLE,
    {
      ...{ vo: 'blue', serial: 1, issued: Date.now(), expires: Date.now() + 3_600_000, nodes, roles: [], sealed: {} },
      content: { sha256: content.sha256, size: content.bytes.length },
    },
    key,
  )
  t.ok(document.payload.length > 1024 * 1024)
  await admin.json({ method: 'POST', path: `${BLUE}/bundles`, body: { document, note: '' } }, io)
  t.strictSame((await poll(node)).bundle, document)
})
