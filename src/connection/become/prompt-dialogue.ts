/** What sudo and doas say, and what it means. */
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import type { Exit, Output } from '../connection.ts'
import type { Attempt } from './password.ts'
import type { BecomeLine, BecomeMarks } from './script.ts'

/** As whom, and by which program. */
type Wanted = Pick<BecomeLine, 'user' | 'method'>

/**
 * Recognises what sudo or doas says until the other user's shell runs: its password prompt, its refusals, and the first sign
 * of life of that shell.
 */
export class PromptDialogue {
  readonly early: Output[] = []
  readonly #target: string
  readonly #become: Wanted
  readonly #marks: BecomeMarks
  #stderr = Buffer.alloc(0)
  readonly #attempt: Attempt | undefined
  #answered = 0

  constructor(target: string, become: Wanted, marks: BecomeMarks, attempt: Attempt | undefined) {
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
