/** What `ssh` and `local` have in common once a supervised command runs: its output, its end, and its being stopped. */
import type { Readable } from 'node:stream'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Output } from '../../connection/connection.ts'
import type { Exit } from '../connection.ts'

/** A command which has been started through the supervisor. */
export interface SupervisedCommand {
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when all is over; `undefined` when the connection was lost before it was known how. Never rejects. */
  readonly exited: Promise<Exit | undefined>
  /** Sends a signal's name down the lifeline. */
  signal(name: 'TERM' | 'KILL'): void
  /** Closes the lifeline: what still runs is ended by the watcher on the target. */
  release(): void
  /** Gives the connection up when the target does not answer any more. */
  destroy(): void
}

const TERM_MS = 2_000
const KILL_MS = 1_500

/**
 * Yields the output and returns the exit. On abort the process group gets TERM, after two seconds KILL; then this throws
 * the signal's reason. A lost connection throws `CONNECTION_LOST`.
 */
export async function* followCommand(
  running: SupervisedCommand,
  name: string,
  { signal }: Abortable,
): AsyncGenerator<Output, Exit, void> {
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    running.signal('TERM')
    timer = setTimeout(() => {
      running.signal('KILL')
      timer = setTimeout(() => running.destroy(), KILL_MS)
    }, TERM_MS)
  }
  // The listener acts at once, also while the consumer of our output is slow and this generator sleeps in a `yield`.
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  let over = false
  try {
    yield* mergeOutputs(running.stdout, running.stderr)
    const exit = await running.exited
    over = true
    signal.throwIfAborted()
    if (exit) return exit
    throw new StokerError(
      'CONNECTION_LOST',
      name,
      'connection lost while the command ran; whether it finished is not known, what was left of it is ended on the target',
    )
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(timer)
    if (!over) running.signal('TERM')
    running.release()
  }
}

/** Bytes passed on at a time, so that what waits for a slow consumer can be counted in pieces. */
const PIECE = 64 * 1024

/** Both streams' data in the order of arrival, read only as fast as it is consumed; ends when both have ended. */
export async function* mergeOutputs(stdout: Readable, stderr: Readable): AsyncGenerator<Output, void, void> {
  const open = new Map<Output['stream'], Readable>([
    ['stdout', stdout],
    ['stderr', stderr],
  ])
  let wake = () => {}
  const notify = () => wake()
  const events = ['readable', 'end', 'close', 'error'] as const
  for (const readable of open.values()) for (const event of events) readable.on(event, notify)
  try {
    while (open.size > 0) {
      const happened = new Promise<void>(resolve => {
        wake = resolve
      })
      let idle = true
      for (const [stream, readable] of open) {
        const data: Uint8Array | null = readable.read(Math.min(readable.readableLength, PIECE) || undefined)
        if (data !== null) {
          idle = false
          yield { stream, data }
        } else if (readable.readableEnded || readable.destroyed || readable.closed) {
          open.delete(stream)
          idle = false
        }
      }
      if (idle) await happened
    }
  } finally {
    for (const readable of [stdout, stderr]) for (const event of events) readable.off(event, notify)
  }
}
