/** Reboots the target, and waits until it is back: reachable, and with another boot id than before. */
import { z } from 'zod'
import type { Abortable } from '../../src/base/abortable.ts'
import { formatDuration } from '../../src/base/duration.ts'
import { StokerError } from '../../src/base/errors.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Connection, Exit, Output } from '../../src/connection/connection.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import { outcomeOfExit } from '../../src/run/outcome.ts'
import { type CheckResult, connectWithin, duration, notYetOrThrow, retryUntil } from '../common/retry-until.ts'

const schema = mapping({
  timeout: duration.default(600_000).describe('how long it may take until it is back'),
  command: z
    .string()
    .min(1, 'is empty')
    .optional()
    .describe('what reboots it, instead of systemctl, shutdown or reboot'),
})
type Options = z.output<typeof schema>

/** systemctl and shutdown only ask for it, and return; some of busybox's kind know `reboot` alone. */
const REBOOT =
  'if [ -d /run/systemd/system ]; then exec systemctl reboot; fi; ' +
  'PATH=$PATH:/usr/sbin:/sbin; if command -v shutdown >/dev/null; then exec shutdown -r now; fi; exec reboot'

/** Linux's id of the boot (random(4)); the BSDs tell the time of it. */
const BOOT_ID = 'cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime'

/** Ok and changed when it is back; timed-out when it is not, or never went. */
export const reboot: Actor<Options> = {
  name: 'reboot',
  summary: 'reboot every target, and wait until it is back',
  takes: 'options',
  takesInput: false,
  connects: true,
  parse: argument => parseOptions('reboot', schema, argument),
  async *act(target, { timeout, command }, job) {
    if (!job.apply) {
      yield stdout('would reboot\n')
      return { kind: 'ok', changed: true }
    }
    let before: string | undefined
    {
      await using remote = await job.connect()
      before = await bootId(remote, job)
      if (before === undefined) throw noBootId(target.name)
      const exit = yield* runRequest(remote, command ?? REBOOT, job)
      if (exit?.kind === 'code' && exit.code !== 0) return outcomeOfExit(target.name, exit)
    }
    yield stdout('reboots\n')
    const result = await retryUntil(io => isBack(before, job, io), { within: timeout, ...LIMITS }, job)
    if (result.kind === 'yes') {
      yield stdout(`back after ${formatDuration(result.after)}\n`)
      return { kind: 'ok', changed: true }
    }
    const message = `asked to reboot, and not back within ${formatDuration(timeout)}: ${result.why}`
    return { kind: 'timed-out', error: new StokerError('TIMED_OUT', target.name, message) }
  },
}

const LIMITS = { first: 1_000, most: 8_000 }

const stdout = (text: string): Output => ({ stream: 'stdout', data: Buffer.from(text) })

/** The connection may be lost before the command has ended: that is what it is for. */
async function* runRequest(remote: Connection, line: string, job: Job): AsyncGenerator<Output, Exit | undefined, void> {
  try {
    return yield* remote.exec({ line }, job)
  } catch (thrown) {
    notYetOrThrow(thrown, ['CONNECTION_LOST'])
    return undefined
  }
}

const isBack = async (before: string | undefined, job: Job, io: Abortable): Promise<CheckResult> => {
  try {
    await using remote = await connectWithin(job, io)
    const now = await bootId(remote, io)
    // What goes down may still let one in, and not be able to tell much any more.
    if (now === undefined) return { kind: 'not-yet', why: 'it does not tell its boot id' }
    return now === before ? { kind: 'not-yet', why: 'it is up, and has not gone down since' } : { kind: 'yes' }
  } catch (thrown) {
    // Its login was good before: while it goes down or comes up, it may be refused for a while (pam_nologin(8)).
    return notYetOrThrow(thrown, ['CONNECT_FAILED', 'CONNECTION_LOST', 'AUTH_FAILED'])
  }
}

/** `undefined` when it cannot be read. */
const bootId = async (remote: Connection, io: Abortable): Promise<string | undefined> => {
  const running = remote.exec({ line: BOOT_ID }, io)
  let text = ''
  for (;;) {
    const step = await running.next()
    if (!step.done) text += step.value.stream === 'stdout' ? Buffer.from(step.value.data).toString() : ''
    else return step.value.kind === 'code' && step.value.code === 0 ? text.trim() || undefined : undefined
  }
}

const noBootId = (name: string): StokerError =>
  new StokerError(
    'ACTOR_FAILED',
    name,
    'it has no boot id to see a reboot by (/proc/sys/kernel/random/boot_id); it was not rebooted',
  )
