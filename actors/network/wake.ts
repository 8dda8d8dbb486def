/** Wake-on-LAN: sends the magic packet to a target's MACs. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import { z } from 'zod'
import type { Abortable } from '../../src/base/abortable.ts'
import { formatDuration } from '../../src/base/duration.ts'
import { StokerError } from '../../src/base/errors.ts'
import { parseMac } from '../../src/base/mac.ts'
import { stopwatch } from '../../src/base/stopwatch.ts'
import { mapping } from '../../src/config/shape.ts'
import { dial, hostAndPort } from '../../src/connection/dial.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import { type CheckResult, duration, notYetOrThrow, retryUntil } from '../common/retry-until.ts'

const schema = mapping({
  broadcast: z
    .string()
    .refine(text => isIP(text) === 4, 'expected an IPv4 address, such as 10.0.0.255')
    .default('255.255.255.255')
    .describe('address to send to: the broadcast address of the targets’ network'),
  port: z.coerce.number('expected a port number').int().min(1).max(65535).default(9).describe('UDP port'),
  wait: duration.optional().describe('how long to wait until the target answers'),
  'wait-port': z.coerce
    .number('expected a port number')
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('with wait: the TCP port which is to answer; else the one of SSH'),
})
type Options = z.output<typeof schema>

/** Ok once the packets are sent or, with `wait`, once the target answers; else timed-out. */
export const wake: Actor<Options> = {
  name: 'wake',
  summary: 'send a Wake-on-LAN packet to every target',
  takes: 'options',
  takesInput: false,
  connects: false,
  descriptors: 1,
  parse: argument => parseOptions('wake', schema, argument),
  async *act(target, options, job) {
    const { broadcast, port, wait } = options
    if (target.macs.length === 0)
      throw new StokerError('ACTOR_FAILED', target.name, "no MAC address is known ('stoker show' shows who says what)")
    const macs = target.macs.map(mac => parseMac(mac))
    const where = `${macs.join(', ')} by ${broadcast}:${port}`
    if (job.apply) await send(macs.map(magicPacket), broadcast, port, target.name)
    yield {
      stream: 'stdout',
      data: Buffer.from(`${job.apply ? 'magic packet sent' : 'would send a magic packet'} to ${where}\n`),
    }
    if (wait === undefined || !job.apply) return { kind: 'ok', changed: true }
    const result = await retryUntil(io => answers(target, options, io), { within: wait, ...LIMITS }, job)
    if (result.kind === 'yes') {
      yield { stream: 'stdout', data: Buffer.from(`answers after ${formatDuration(result.after)}\n`) }
      return { kind: 'ok', changed: true }
    }
    const message = `a magic packet was sent, and there was no answer for ${formatDuration(wait)}: ${result.why}`
    return { kind: 'timed-out', error: new StokerError('TIMED_OUT', target.name, message) }
  },
}

const LIMITS = { first: 500, most: 5_000 }

const answers = async (target: Target, options: Options, io: Abortable): Promise<CheckResult> => {
  const port = options['wait-port'] ?? target.port ?? 22
  const hosts = target.addresses.length > 0 ? target.addresses : [target.name]
  // One which is still off does not even refuse.
  using silent = stopwatch(LIMITS.most, () => new StokerError('CONNECT_FAILED', target.name, 'no answer'))
  try {
    const socket = await dial(hosts, port, target.name, { signal: AbortSignal.any([io.signal, silent.signal]) })
    socket.destroy()
    return { kind: 'yes' }
  } catch (thrown) {
    io.signal.throwIfAborted()
    return silent.signal.aborted
      ? { kind: 'not-yet', why: `nothing heard from ${hostAndPort(hosts[0] as string, port)}` }
      : notYetOrThrow(thrown, ['CONNECT_FAILED'])
  }
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
