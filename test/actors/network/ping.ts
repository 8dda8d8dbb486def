import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { ping } from '../../../actors/network/ping.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'
import { need } from '../../fixtures/servers/debian.ts'

const actor = ping as Actor
const here = target('here', { addresses: ['127.0.0.1'] })

t.test('an answer is ok, with the round-trip time', async t => {
  if (!need(t, 'ping', 'iputils-ping')) return
  const { outcome, stdout } = await act(actor, {}, here)
  t.match(outcome, { kind: 'ok', changed: false, detail: /^[\d.]+ ms$/ })
  t.match(stdout, /^[\d.]+ ms\n$/)
})

t.test('a name which has no address is unreachable, and told so', async t => {
  if (!need(t, 'ping', 'iputils-ping')) return
  const { outcome } = await act(actor, {}, target('no-such-host.invalid'))
  t.match(outcome, { kind: 'unreachable', error: { code: 'CONNECT_FAILED' } })
})

t.test('by TCP: a port which listens is ok, one which refuses is not', async t => {
  const server = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.match((await act(actor, { tcp: String(port) }, here)).outcome, { kind: 'ok', detail: /ms$/ })
  server.close()
  await once(server, 'close')
  await t.rejects(act(actor, { tcp: String(port) }, here), { code: 'CONNECT_FAILED', message: 'connection refused' })
})

t.test('wrong options are named', async t => {
  for (const [options, option] of [
    [{ tcp: 'x' }, /tcp/],
    [{ tcp: '70000' }, /tcp/],
    [{ timeout: '0' }, /timeout/],
    [{ count: '3' }, /count.*unknown key/],
  ] as const)
    t.throws(() => ping.parse(options), { code: 'ACTOR_OPTION', message: option })
})
