/**
 * Where a command's own output begins. Before it stands what start-up files of the login shell print: banners, escape codes,
 * complaints, with or without a newline at their end. The supervisor writes a random mark on both streams when it has its
 * turn, and the login shell which then runs a command of its user's writes a second one when it is done with its own.
 */
import { StokerError } from '../../base/errors.ts'
import type { Exit, Output } from '../connection.ts'

/** Told once for each connection what start-up files have printed. */
export type NoiseListener = (text: string) => void

/** The line which the supervisor writes, and the one which a login shell does. */
export const startLine = (mark: string): string => `${mark}-starts`
export const loginLine = (mark: string): string => `${mark}-begins`

export interface StartMark {
  readonly mark: string
  /** Whether a login shell runs the command: then its own mark is waited for. */
  readonly login: boolean
}

/** Bytes of noise which are kept to be shown, of each stream. */
const MAX_NOISE = 4 * 1024
/** Bytes which a login shell's start-up may print before they are taken for the command's. */
const MAX_HELD = 256 * 1024

/**
 * The output without what came before the mark. A command which ends without the first mark was never started: throws
 * `ACTOR_FAILED` with what the login shell said instead. Without the second one, what came after the first is its output:
 * it may be the shell's complaint of the line itself.
 */
export async function* afterMark(
  running: AsyncGenerator<Output, Exit, void>,
  { mark, login }: StartMark,
  name: string,
  noise: NoiseListener,
): AsyncGenerator<Output, Exit, void> {
  const streams = { stdout: new MarkedStream(mark, login), stderr: new MarkedStream(mark, login) }
  try {
    for (;;) {
      const step = await running.next()
      if (step.done) {
        if (!streams.stdout.isStarted && !streams.stderr.isStarted) {
          const said = Buffer.concat([streams.stdout.rest(), streams.stderr.rest()]).toString()
          throw notStarted(name, said, step.value)
        }
        for (const stream of ['stdout', 'stderr'] as const) {
          const data = streams[stream].rest()
          if (data.length > 0) yield { stream, data }
        }
        return step.value
      }
      const { stream } = step.value
      for (const data of streams[stream].push(step.value.data)) yield { stream, data }
      // Both streams have had their say: nothing of it comes any more.
      if (streams.stdout.isOpen && streams.stderr.isOpen) break
    }
    const text = Buffer.concat([streams.stdout.noise, streams.stderr.noise]).toString().trim()
    if (text !== '') noise(text)
    return yield* running
  } finally {
    await running.return({ kind: 'signal', signal: 'TERM' })
  }
}

/** One stream, up to its mark. */
class MarkedStream {
  readonly #marks: readonly Buffer[]
  #found = 0
  #held = Buffer.alloc(0)
  noise = Buffer.alloc(0)

  constructor(mark: string, login: boolean) {
    this.#marks = [startLine(mark), ...(login ? [loginLine(mark)] : [])].map(line => Buffer.from(`${line}\n`))
  }

  get isStarted(): boolean {
    return this.#found > 0
  }

  get isOpen(): boolean {
    return this.#found === this.#marks.length
  }

  /** What can be passed on now. */
  push(data: Uint8Array): readonly Uint8Array[] {
    if (this.isOpen) return [data]
    this.#held = Buffer.concat([this.#held, data])
    for (let mark = this.#marks[this.#found]; mark; mark = this.#marks[this.#found]) {
      const at = this.#held.indexOf(mark)
      if (at < 0) break
      this.#drop(at)
      this.#held = this.#held.subarray(mark.length)
      this.#found++
    }
    const isTooMuch = this.#held.length > MAX_HELD
    if (isTooMuch && !this.isStarted) this.#drop(this.#held.length - MAX_NOISE)
    if (!this.isOpen && !(isTooMuch && this.isStarted)) return []
    this.#found = this.#marks.length
    const rest = this.#held
    this.#held = Buffer.alloc(0)
    return rest.length > 0 ? [rest] : []
  }

  /** What is left at the end. */
  rest(): Uint8Array {
    return this.#held
  }

  #drop(bytes: number): void {
    this.noise = Buffer.concat([this.noise, this.#held.subarray(0, bytes)]).subarray(0, MAX_NOISE)
    this.#held = this.#held.subarray(bytes)
  }
}

/** Why a login shell did not come to run the supervisor, from what it said instead. */
export const notStarted = (name: string, said: string, exit: Exit): StokerError => {
  const end = exit.kind === 'code' ? `exit code ${exit.code}` : `signal ${exit.signal}`
  const why =
    said
      .split('\n')
      .map(line => line.trim())
      .findLast(line => line !== '') ?? end
  const hint = /restricted/.test(why)
    ? '; a restricted shell runs nothing for stoker: give the account another login shell'
    : ''
  return new StokerError('ACTOR_FAILED', name, `its login shell did not start the command: ${why}${hint}`)
}
