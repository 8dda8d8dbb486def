/** Asks whether a target answers: ICMP through the system's ping, or a TCP connection. */

import { z } from 'zod'
import { StokerError } from '../../src/base/errors.ts'
import { quote } from '../../src/base/quote.ts'
import { stopwatch } from '../../src/base/stopwatch.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Output } from '../../src/connection/connection.ts'
import { dial, hostAndPort } from '../../src/connection/dial.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import type { Outcome } from '../../src/run/outcome.ts'

const schema = mapping({
  tcp: z.coerce
    .number('expected a port number')
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('connect to this port instead'),
  timeout: z.coerce
    .number('expected seconds')
    .positive()
    .max(3600)
    .default(2)
    .describe('seconds to wait for an answer'),
})
type Options = z.output<typeof schema>

/** Ok with the round-trip time as detail; unreachable when there is no answer. */
export const ping: Actor<Options> = {
  name: 'ping',
  summary: 'ask whether every target answers, by ICMP or TCP',
  takes: 'options',
  takesInput: false,
  connects: false,
  descriptors: 4,
  parse: argument => parseOptions('ping', schema, argument),
  async *act(target, options, job) {
    const outcome =
      options.tcp === undefined ? await icmp(target, options, job) : await tcp(target, options.tcp, options, job)
    if (outcome.kind === 'ok') yield stdout(`${outcome.detail}\n`)
    return outcome
  },
}

const stdout = (text: string): Output => ({ stream: 'stdout', data: Buffer.from(text) })

const silent = (target: Target, message: string, detail: string): Outcome => ({
  kind: 'unreachable',
  error: new StokerError('CONNECT_FAILED', target.name, message, { detail }),
})

const icmp = async (target: Target, { timeout }: Options, job: Job): Promise<Outcome> => {
  const address = target.addresses[0] ?? target.name
  await using here = job.here({ LC_ALL: 'C' })
  const line = `exec ping -n -q -c 1 -W ${Math.ceil(timeout)} ${quote(address)}`
  const running = here.exec({ line }, job)
  const output = { stdout: '', stderr: '' }
  for (;;) {
    const step = await running.next()
    if (!step.done) {
      output[step.value.stream] += Buffer.from(step.value.data).toString('latin1')
      continue
    }
    const exit = step.value
    // iputils says "rtt", busybox and BSD "round-trip"; the first figure is the minimum, and of one packet the only one.
    const time = /(?:rtt|round-trip)[^=]*= *([\d.]+)/.exec(output.stdout)?.[1]
    if (exit.kind === 'code' && exit.code === 0 && time) return { kind: 'ok', changed: false, detail: `${time} ms` }
    // 1: no answer. Anything else, and ping itself could not do its work.
    if (exit.kind === 'code' && exit.code === 1) return silent(target, `no answer to ping within ${timeout} s`, address)
    const why =
      output.stderr
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^ping: /, '') || 'ping failed'
    const missing = exit.kind === 'code' && exit.code === 127
    const message = missing ? "there is no 'ping' on this machine; install it, or ask by TCP: -- tcp=22" : why
    return missing
      ? { kind: 'failed', error: new StokerError('ACTOR_FAILED', target.name, message) }
      : silent(target, message, address)
  }
}

const tcp = async (target: Target, port: number, { timeout }: Options, job: Job): Promise<Outcome> => {
  const hosts = target.addresses.length > 0 ? target.addresses : [target.name]
  using late = stopwatch(timeout * 1000, () => new StokerError('CONNECT_FAILED', target.name, 'no answer'))
  const began = performance.now()
  try {
    const socket = await dial(hosts, port, target.name, { signal: AbortSignal.any([job.signal, late.signal]) })
    const time = performance.now() - began
    socket.destroy()
    return { kind: 'ok', changed: false, detail: `${time.toFixed(2)} ms` }
  } catch (thrown) {
    if (job.signal.aborted || !late.signal.aborted) throw thrown
    return silent(target, `no TCP connection within ${timeout} s`, hostAndPort(hosts[0] as string, port))
  }
}
