/** Wake-on-LAN: sends the magic packet to a target's MACs. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import { z } from 'zod'
import type { Actor } from '../src/actor.ts'
import { mapping } from '../src/config/shape.ts'
import { StokerError } from '../src/errors.ts'
import { parseMac } from '../src/mac.ts'
import { parseOptions } from '../src/options.ts'

const schema = mapping({
  broadcast: z
    .string()
    .refine(text => isIP(text) === 4, 'expected an IPv4 address, such as 10.0.0.255')
    .default('255.255.255.255')
    .describe('address to send to: the broadcast address of the targets’ network'),
  port: z.coerce.number('expected a port number').int().min(1).max(65535).default(9).describe('UDP port'),
})

/** Ok once the packets are sent; whether the machine wakes is not seen from here. */
export const wake: Actor<z.output<typeof schema>> = {
  name: 'wake',
  summary: 'send a Wake-on-LAN packet to every target',
  takes: 'options',
  connects: false,
  descriptors: 1,
  parse: argument => parseOptions('wake', schema, argument),
  async *act(target, { broadcast, port }, job) {
    if (target.macs.length === 0)
      throw new StokerError('ACTOR_FAILED', target.name, "no MAC address is known ('stoker show' tells who says what)")
    const macs = target.macs.map(mac => parseMac(mac))
    const where = `${macs.join(', ')} by ${broadcast}:${port}`
    if (job.apply) await send(macs.map(magicPacket), broadcast, port, target.name)
    yield {
      stream: 'stdout',
      data: Buffer.from(`${job.apply ? 'magic packet sent' : 'would send a magic packet'} to ${where}\n`),
    }
    return { kind: 'ok', changed: true }
  },
}

/** Six bytes of ones, then the address sixteen times (AMD, Magic Packet Technology, publication 20213). */
export const magicPacket = (mac: string): Buffer => {
  const address = Buffer.from(mac.replaceAll(':', ''), 'hex')
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)])
}

const send = async (packets: readonly Buffer[], address: string, port: number, name: string): Promise<void> => {
  const socket = createSocket('udp4')
  try {
    socket.bind()
    await once(socket, 'listening')
    socket.setBroadcast(true)
    for (const packet of packets)
      await new Promise<void>((resolve, reject) => {
        socket.send(packet, port, address, error => (error ? reject(error) : resolve()))
      })
  } catch (cause) {
    throw new StokerError('ACTOR_FAILED', name, `cannot send to ${address}:${port}: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    socket.close()
  }
}
