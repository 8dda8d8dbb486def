/** Waits until a port, a command, a path or the login itself is as it should be. */

import { z } from 'zod'
import type { Abortable } from '../../src/base/abortable.ts'
import { formatDuration } from '../../src/base/duration.ts'
import { StokerError } from '../../src/base/errors.ts'
import { quote } from '../../src/base/quote.ts'
import { stopwatch } from '../../src/base/stopwatch.ts'
import { absolutePath } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Command, Connection } from '../../src/connection/connection.ts'
import { dial, hostAndPort } from '../../src/connection/dial.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import { type CheckResult, connectWithin, duration, notYetOrThrow, retryUntil } from '../common/retry-until.ts'

const schema = mapping({
  port: z.coerce
    .number('expected a port number')
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('until this TCP port answers, asked from here'),
  host: z.string().min(1, 'is empty').optional().describe('with port: of this machine instead of the target'),
  command: z.string().min(1, 'is empty').optional().describe('until this command succeeds on the target'),
  path: absolutePath.optional().describe('until there is something at this path of the target'),
  state: z
    .enum(['present', 'absent', 'open', 'closed'])
    .default('present')
    .describe('`absent` (or `closed`): until it is not so'),
  timeout: duration.default(300_000).describe('how long to wait'),
  interval: duration.default(1_000).describe('before the second check; later ones wait longer, up to ten times that'),
}).superRefine(({ port, command, path, host, state }, context) => {
  const wrong = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
  const given = Object.entries({ port, command, path }).filter(([, value]) => value !== undefined)
  const [, second] = given
  if (second)
    wrong(second[0], `only one of port, command and path can be waited for; there is ${given[0]?.[0]} already`)
  if (host !== undefined && port === undefined) wrong('host', 'is for port=, which is not given')
  if (given.length === 0 && isAbsent(state)) wrong('state', `${state} needs a port, command or path`)
})
type Options = z.output<typeof schema>

const isAbsent = (state: string): boolean => state === 'absent' || state === 'closed'

/** Ok, unchanged, when it is so; timed-out with what was last the matter. Not being reachable counts as not yet. */
export const waitFor: Actor<Options> = {
  name: 'wait-for',
  summary: 'wait until a port, a command or a path of every target is as it should be, or until it can be logged into',
  takes: 'options',
  takesInput: false,
  connects: true,
  descriptors: 1,
  parse: argument => parseOptions('wait-for', schema, argument),
  async *act(target, options, job) {
    const what = described(options)
    if (!job.apply) {
      yield { stream: 'stdout', data: Buffer.from(`would wait for ${what}\n`) }
      return { kind: 'ok', changed: false }
    }
    await using checker = checkerFor(target, options, job)
    const limits = { within: options.timeout, first: options.interval, most: options.interval * 10 }
    const result = await retryUntil(checker.check, limits, job)
    if (result.kind === 'yes') {
      yield { stream: 'stdout', data: Buffer.from(`${what}: after ${formatDuration(result.after)}\n`) }
      return { kind: 'ok', changed: false }
    }
    const message = `waited ${formatDuration(options.timeout)} for ${what}: ${result.why}`
    return { kind: 'timed-out', error: new StokerError('TIMED_OUT', target.name, message) }
  },
}

const described = ({ port, host, command, path, state }: Options): string => {
  const [open, there, succeeds] = isAbsent(state) ? ['closed', 'gone', 'to fail'] : ['open', 'there', 'to succeed']
  if (port !== undefined) return `port ${host === undefined ? port : hostAndPort(host, port)} to be ${open}`
  if (path !== undefined) return `${path} to be ${there}`
  return command === undefined ? 'login' : `command ${succeeds}`
}

interface Checker extends AsyncDisposable {
  check(io: Abortable): Promise<CheckResult>
}

const checkerFor = (target: Target, options: Options, job: Job): Checker => {
  const { port, host, command, path, state } = options
  const absent = isAbsent(state)
  if (port !== undefined) {
    const hosts = host !== undefined ? [host] : target.addresses.length > 0 ? target.addresses : [target.name]
    return { check: io => portIs(!absent, hosts, port, target.name, io), async [Symbol.asyncDispose]() {} }
  }
  const typed = path === undefined && command !== undefined
  const line = typed ? command : path === undefined ? 'exit 0' : `test -e ${quote(path)}`
  return overConnection({ line, login: typed }, !absent, job)
}

/** How long a port which says nothing at all is waited for. */
const SILENCE_MS = 5_000

const portIs = async (
  open: boolean,
  hosts: readonly string[],
  port: number,
  name: string,
  io: Abortable,
): Promise<CheckResult> => {
  using silent = stopwatch(SILENCE_MS, () => new StokerError('CONNECT_FAILED', name, 'no answer'))
  const isOpen = (): CheckResult => (open ? { kind: 'yes' } : { kind: 'not-yet', why: 'it still answers' })
  try {
    const socket = await dial(hosts, port, name, { signal: AbortSignal.any([io.signal, silent.signal]) })
    socket.destroy()
    return isOpen()
  } catch (thrown) {
    io.signal.throwIfAborted()
    if (!open) return { kind: 'yes' }
    return silent.signal.aborted ? { kind: 'not-yet', why: 'no answer' } : notYetOrThrow(thrown, ['CONNECT_FAILED'])
  }
}

/** One connection for all checks, until it is lost. */
const overConnection = (command: Command, wanted: boolean, job: Job): Checker => {
  let remote: Connection | undefined
  const close = async () => {
    const closing = remote
    remote = undefined
    await closing?.[Symbol.asyncDispose]()
  }
  return {
    async check(io) {
      try {
        remote ??= await connectWithin(job, io)
        const code = await exitCode(remote, command, io)
        if ((code === 0) === wanted) return { kind: 'yes' }
        return { kind: 'not-yet', why: `exit code ${code}` }
      } catch (thrown) {
        await close()
        // A login or key which is refused will not be accepted by asking again.
        return notYetOrThrow(thrown, ['CONNECT_FAILED', 'CONNECTION_LOST'])
      }
    },
    [Symbol.asyncDispose]: close,
  }
}

const exitCode = async (remote: Connection, command: Command, io: Abortable): Promise<number> => {
  const running = remote.exec(command, io)
  for (;;) {
    const step = await running.next()
    if (step.done) return step.value.kind === 'code' ? step.value.code : 128
  }
}
