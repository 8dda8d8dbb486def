import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { magicPacket, wake } from '../../actors/wake.ts'
import type { Actor } from '../../src/actor.ts'
import { act, target } from '../fixtures/act.ts'

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
  t.same(outcome, { kind: 'ok', changed: true })
  t.match(stdout, /magic packet sent to 52:54:00:00:00:01, 52:54:00:00:00:02 by 127\.0\.0\.1:/)
  await all
  t.same(
    packets.sort(),
    macs.map(mac => magicPacket(mac).toString('hex')),
  )
  socket.close()
})

t.test('a target without a MAC is failed, saying so; a check sends nothing', async t => {
  await t.rejects(act(actor, {}, target('n1')), { code: 'ACTOR_FAILED', message: /no MAC address is known/ })
  t.match(await act(actor, {}, target('n1', { macs }), { apply: false }), { stdout: /would send/ })
})

t.test('wrong options are named', async t => {
  for (const options of [{ broadcast: 'everyone' }, { port: '0' }, { prot: '9' }])
    t.throws(() => wake.parse(options), {
      code: 'ACTOR_OPTION',
      message: new RegExp(Object.keys(options)[0] as string),
    })
})
