import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { magicPacket, wake } from '../../../actors/network/wake.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'

const actor = wake as Actor
const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02']

t.test('the magic packet is six bytes of ones and sixteen times the address', async t => {
  const packet = magicPacket('52:54:00:ab:cd:ef')
  t.equal(packet.length, 102)
  t.equal(packet.toString('hex'), 'ff'.repeat(6) + '525400abcdef'.repeat(16))
})

t.test('every MAC of the target gets one', async t => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const packets: string[] = []
  const all = new Promise<void>(resolve => {
    socket.on('message', message => {
      if (packets.push(message.toString('hex')) === macs.length) resolve()
    })
  })
  const options = { broadcast: '127.0.0.1', port: String(socket.address().port) }
  const { outcome, stdout } = await act(actor, options, target('n1', { macs }))
  t.strictSame(outcome, { kind: 'ok', changed: true })
  t.match(stdout, /magic packet sent to 52:54:00:00:00:01, 52:54:00:00:00:02 by 127\.0\.0\.1:/)
  await all
  t.strictSame(
    packets.sort(),
    macs.map(mac => magicPacket(mac).toString('hex')),
  )
  socket.close()
})

t.test('a target without a MAC is failed, saying so; a check sends nothing', async t => {
  await t.rejects(act(actor, {}, target('n1')), { code: 'ACTOR_FAILED', message: /no MAC address is known/ })
  t.match(await act(actor, {}, target('n1', { macs }), { apply: false }), { stdout: /would send/ })
})

t.test('it waits until the machine answers, as long as it is told to', async t => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const server = createServer(client => client.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const machine = target('n1', { macs, addresses: ['127.0.0.1'], port })
  const packet = { broadcast: '127.0.0.1', port: String(socket.address().port) }
  t.match(await act(actor, { ...packet, wait: '600' }, machine), { outcome: { kind: 'ok' }, stdout: /answers after/ })
  server.close()
  await once(server, 'close')
  t.match((await act(actor, { ...packet, wait: '0.2' }, machine)).outcome, {
    kind: 'timed-out',
    error: { code: 'TIMED_OUT', message: /sent, and there was no answer for 200 ms: connection refused/ },
  })
  t.match((await act(actor, { ...packet, wait: '0.2', 'wait-port': '1' }, machine)).outcome, { kind: 'timed-out' })
  // The machine wakes when the packet has come.
  const woken = createServer(client => client.destroy())
  socket.once('message', () => woken.listen(port, '127.0.0.1'))
  t.match((await act(actor, { ...packet, wait: '600' }, machine)).outcome, { kind: 'ok', changed: true })
  woken.close()
  socket.close()
})

t.test('wrong options are named', async t => {
  for (const options of [{ broadcast: 'everyone' }, { port: '0' }, { prot: '9' }, { wait: 'x' }])
    t.throws(() => wake.parse(options), {
      code: 'ACTOR_OPTION',
      message: new RegExp(Object.keys(options)[0] as string),
    })
})
