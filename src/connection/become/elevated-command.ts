/** Getting through sudo or doas: from the start of the program to the first sign of life of the other user. */

import { randomBytes } from 'node:crypto'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { stopwatch } from '../../base/stopwatch.ts'
import type { Output } from '../../connection/connection.ts'
import type { Connection, Exit } from '../connection.ts'
import { LateInput } from './late-input.ts'
import type { Attempt, BecomePassword } from './password.ts'
import { PromptDialogue } from './prompt-dialogue.ts'
import { type BecomeMethod, becomeLine, marksOf } from './script.ts'

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
  const dialogue = new PromptDialogue(target, become, marks, attempt)
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
