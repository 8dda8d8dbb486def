/**
 * Many small scripts in one round trip. Each runs in a subshell of its own with an empty standard input, so that none hurts
 * another, and what each wrote comes back apart, byte for byte.
 */
import { randomBytes } from 'node:crypto'
import type { Abortable } from '../base/abortable.ts'
import type { Connection, Exit, Output } from '../connection/connection.ts'
import { lengthOnTheWay } from '../connection/supervise/supervisor.ts'
import { type BatchStep, batchScript, compoundCommand, shellPrelude } from './batch-script.ts'
import { Frames } from './frames.ts'
import { freeShell } from './remote-shell.ts'

export { withLibrary } from './batch-script.ts'

/** How one script ended. */
export interface ScriptResult {
  readonly code: number
  /** What it wrote, but for what was shown. */
  readonly stdout: Uint8Array
  readonly stderr: string
  /** Whether it printed more than is kept: `MAX_STDOUT` bytes. */
  readonly truncated: boolean
}

export interface BatchResult {
  /** Fewer than there were scripts when one failed and the others had to wait, or when the shell ended. */
  readonly results: readonly ScriptResult[]
  /** Why there are no more; `undefined` when all ran, or one failed. */
  readonly abortReason: string | undefined
}

export interface BatchOptions {
  /** Whether the first failure is the end; else all run, whatever the others do. */
  readonly stop: boolean
  /**
   * Whether the scripts must not be seen in the target's list of processes. They go by standard input then, which costs some
   * round trips where no shell is open; so do scripts which are too long for a command line.
   */
  readonly hidden: boolean
}

/** Bytes which are kept of one script's standard output. */
export const MAX_STDOUT = 8 * 1024 * 1024
const MAX_STDERR = 64 * 1024
/** Bytes of a command line which every SSH server has to take: RFC 4253 section 6.1 says 35,000 for a whole packet. */
const MAX_INLINE = 32_000

/** Runs the scripts, and yields the output of those which show it as it comes. Throws what the connection throws. */
export async function* runBatch(
  connection: Connection,
  steps: readonly BatchStep[],
  options: BatchOptions,
  io: Abortable,
): AsyncGenerator<Output, BatchResult, void> {
  if (steps.length === 0) return { results: [], abortReason: undefined }
  const nonce = randomBytes(16).toString('hex')
  const frames = { stdout: new Frames(nonce), stderr: new Frames(nonce) }
  const buffers = steps.map(() => ({ stdout: new HeadBuffer(MAX_STDOUT), stderr: new HeadBuffer(MAX_STDERR) }))
  const script = compoundCommand(batchScript(steps, nonce, options.stop))
  const isDone = () => frames.stdout.finished && frames.stderr.finished
  const running = start(connection, script, isDone, options.hidden, io)
  for (;;) {
    const next = await running.next()
    if (next.done) {
      const results = scriptResults(frames, buffers)
      if (isDone()) return { results, abortReason: undefined }
      const last = buffers[results.length]?.stderr.bytes() ?? Buffer.alloc(0)
      return { results, abortReason: describeEnd(next.value, Buffer.concat([last, frames.stderr.rest()]).toString()) }
    }
    const { stream } = next.value
    for (const { index, data } of frames[stream].push(next.value.data)) {
      buffers[index]?.[stream].add(data)
      if (steps[index]?.show) yield { stream, data }
    }
  }
}

/** In the connection's shell where that saves something, else in an exec of its own. */
const start = (
  connection: Connection,
  script: string,
  isDone: () => boolean,
  hidden: boolean,
  io: Abortable,
): AsyncGenerator<Output, Exit | undefined, void> => {
  const first = compoundCommand(shellPrelude(randomBytes(16).toString('hex')))
  const line = first + script
  const fits = lengthOnTheWay(line) <= MAX_INLINE
  const shell = freeShell(connection)
  if (shell && (shell.isOpen || hidden || !fits)) return shell.run(first, script, isDone)
  if (fits && !hidden) return connection.exec({ line }, io)
  return connection.exec({ line: 'exec /bin/sh', stdin: singleChunk(first + script) }, io)
}

async function* singleChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

/** The beginning of a stream, up to a limit. */
class HeadBuffer {
  readonly #limit: number
  readonly #parts: Uint8Array[] = []
  #size = 0
  truncated = false

  constructor(limit: number) {
    this.#limit = limit
  }

  add(data: Uint8Array): void {
    const room = this.#limit - this.#size
    if (data.length > room) this.truncated = true
    if (room <= 0) return
    // A copy: a piece of a chunk would keep all of it.
    this.#parts.push(Uint8Array.from(data.subarray(0, room)))
    this.#size += Math.min(room, data.length)
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

type Streams<T> = Readonly<Record<Output['stream'], T>>

/** Those which have ended on both streams. */
const scriptResults = (
  { stdout, stderr }: Streams<Frames>,
  buffers: readonly Streams<HeadBuffer>[],
): readonly ScriptResult[] =>
  buffers.slice(0, Math.min(stdout.codes.length, stderr.codes.length)).map((one, index) => ({
    code: stdout.codes[index] as number,
    stdout: one.stdout.bytes(),
    stderr: one.stderr.bytes().toString(),
    truncated: one.stdout.truncated,
  }))

const describeEnd = (exit: Exit | undefined, output: string): string => {
  const options = exit?.kind === 'signal' ? `signal ${exit.signal}` : `exit code ${exit?.code}`
  const why = lastLines(output, 1)
  return `the shell on the target ended early (${options})${why && `: ${why}`}`
}

/** The last lines of a text which say something, in one line. */
export const lastLines = (text: string, limit: number): string =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .slice(-limit)
    .join('; ')
