/** Getting through sudo or doas: from the start of the program to the first sign of life of the other user. */

import { randomBytes } from 'node:crypto'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { stopwatch } from '../../base/stopwatch.ts'
import type { Output } from '../../connection/connection.ts'
import type { Connection, Exit } from '../connection.ts'
import { LateInput } from './late-input.ts'
import type { Attempt, BecomePassword } from './password.ts'
import { type BecomeMarks, type BecomeMethod, becomeLine, marksOf } from './script.ts'

/** As whom, and how. */
export interface Become {
  readonly user: string
  readonly method: BecomeMethod
  readonly password: BecomePassword
}

/** A script which runs as the other user. */
export interface RunningElevated {
  /** Its further output, and how it ends. */
  readonly running: AsyncGenerator<Output, Exit, void>
  /** Its standard input. */
  readonly input: LateInput
  /** What it has written so far, and what came before it on standard output. */
  readonly early: readonly Output[]
}

/** How long the program may take without asking or letting us in: another question than ours is never answered; milliseconds. */
const MAX_SILENCE_MS = 60_000

/** What is to be run as the other user. */
export interface ElevatedCommand {
  readonly script: string
  /** Its `$2`. */
  readonly argument?: string
}

/**
 * Starts a script as the other user; returns when it runs. Throws `ACTOR_FAILED` with what the program says when it does not
 * let us in, and what the connection throws.
 *
 * A program which has begun to ask counts a failure when it gets no answer: some lock accounts for that. So it may ask only
 * when there is an answer, which has been proved elsewhere or is being proved here.
 */
export const elevate = async (
  connection: Connection,
  target: string,
  command: ElevatedCommand,
  become: Become,
  io: Abortable,
): Promise<RunningElevated> => {
  const { method, password } = become
  const first = method === 'sudo' ? password.atOnce(target) : undefined
  const entered = await enter(connection, target, command, become, first, io)
  if (!(entered instanceof StokerError)) return entered
  if (first || method !== 'sudo' || !/password is required/.test(entered.message)) throw entered
  const again = await enter(connection, target, command, become, await password.attempt(target, io), io)
  if (again instanceof StokerError) throw again
  return again
}

/** One try; without an attempt the program must not ask. Returns the error when it has ended and let nobody in. */
const enter = async (
  connection: Connection,
  target: string,
  { script, argument = '' }: ElevatedCommand,
  become: Become,
  attempt: Attempt | undefined,
  io: Abortable,
): Promise<RunningElevated | StokerError> => {
  const marks = marksOf(randomBytes(16).toString('hex'))
  const input = new LateInput()
  // An end of input ends both programs. A signal would reach sudo, which keeps the login user's real id, and passes signals
  // on to the leader of the command's group alone: the rest of the group would stay.
  const stop = () => input.end()
  io.signal.addEventListener('abort', stop, { once: true })
  const asks = attempt !== undefined
  const running = connection.exec(
    {
      line: becomeLine({ ...become, asks, script, line: argument }, marks),
      stdin: input.chunks(),
      watchesItself: true,
    },
    io,
  )
  const dialogue = new LoginDialogue(target, become, marks, attempt)
  try {
    for (;;) {
      const step = await within(running.next(), stop)
      if (step.done) return dialogue.closed(step.value)
      const wants = dialogue.receive(step.value)
      if (wants === 'password' && attempt) input.put(`${attempt.password}\n`)
      if (wants === 'nothing') return { running, input, early: dialogue.early }
    }
  } catch (thrown) {
    input.end()
    await running.return({ kind: 'code', code: 0 })
    throw thrown
  } finally {
    attempt?.unknown()
    io.signal.removeEventListener('abort', stop)
  }
}

const within = async <T>(work: Promise<T>, giveUp: () => void): Promise<T> => {
  using late = stopwatch(MAX_SILENCE_MS, () => new Error('no answer'))
  late.signal.addEventListener('abort', giveUp, { once: true })
  return await work
}

/** The dialogue with the program until the other user's shell runs. */
class LoginDialogue {
  readonly early: Output[] = []
  readonly #target: string
  readonly #become: Become
  readonly #marks: BecomeMarks
  #stderr = Buffer.alloc(0)
  readonly #attempt: Attempt | undefined
  #answered = 0

  constructor(target: string, become: Become, marks: BecomeMarks, attempt: Attempt | undefined) {
    this.#attempt = attempt
    this.#target = target
    this.#become = become
    this.#marks = marks
  }

  /** Takes a piece of output, and returns what is wanted now. Throws when the password is asked for a second time. */
  receive(output: Output): 'password' | 'patience' | 'nothing' {
    if (output.stream === 'stdout') {
      this.early.push(output)
      return 'patience'
    }
    this.#stderr = Buffer.concat([this.#stderr, output.data])
    const ready = this.#stderr.indexOf(`${this.#marks.ready}\n`)
    if (ready >= 0) {
      // Who is let in without being asked has proved nothing.
      if (this.#answered > 0) this.#attempt?.accepted()
      const rest = this.#stderr.subarray(ready + this.#marks.ready.length + 1)
      if (rest.length > 0) this.early.push({ stream: 'stderr', data: rest })
      return 'nothing'
    }
    if (this.#stderr.toString('latin1').split(this.#marks.prompt).length - 1 === this.#answered) return 'patience'
    if (this.#answered > 0) throw this.#refused()
    this.#answered++
    return 'password'
  }

  /** The program has ended and let nobody in. */
  closed(exit: Exit): StokerError {
    const { method, user } = this.#become
    // The complaints of sudo's plugins follow what they are about.
    const words = this.#words()
    const why =
      words.findLast(line => !line.includes(' plugin ')) ??
      words.at(-1) ??
      (exit.kind === 'code' ? `exit code ${exit.code}` : `signal ${exit.signal}`)
    // It asks before it looks whether the user may do this at all.
    const isForbidden = /not in the sudoers|may not run|not allowed/.test(why)
    if (this.#answered > 0 && exit.kind === 'code' && !isForbidden) return this.#refused()
    return this.#error(
      `cannot become ${user}: ${why.startsWith(`${method}: `) ? why : `${method}: ${why}`}${this.#hint(why)}`,
    )
  }

  #refused(): StokerError {
    this.#attempt?.refused()
    const { method, user } = this.#become
    return this.#error(`cannot become ${user}: ${method} does not take the password`)
  }

  #hint(why: string): string {
    if (this.#become.method === 'doas' && /Auth\w+ required/.test(why))
      return '; doas asks for passwords on a terminal only: give the login user "permit nopass", or use sudo'
    return ''
  }

  #error(message: string): StokerError {
    return new StokerError('ACTOR_FAILED', this.#target, message)
  }

  /** The program's lines, fit for a message. */
  #words(): readonly string[] {
    return this.#stderr
      .toString()
      .replaceAll(this.#marks.prompt, '\n')
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '')
      .map(line => (/[\p{Cc}\p{Cf}]/u.test(line) ? shown(line) : line))
  }
}
