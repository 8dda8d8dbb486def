/** Runs a command line on the target with the login user's shell. */

import { StokerError } from '../../src/base/errors.ts'
import type { Actor } from '../../src/run/actor.ts'
import { outcomeOfExit } from '../../src/run/outcome.ts'

/** The argument is the command line; what is piped into the run goes to every target's command. */
export const shell: Actor<{ readonly command: string }> = {
  name: 'shell',
  summary: 'run a command on every target',
  takes: 'text',
  connects: true,
  parse(argument) {
    if (typeof argument === 'string' && argument.trim() !== '' && !argument.includes('\0')) return { command: argument }
    throw new StokerError('ACTOR_OPTION', 'shell', 'actor shell needs a command: stoker run shell TARGETS -- COMMAND')
  },
  async *act(target, { command }, job) {
    if (!job.apply) {
      yield { stream: 'stdout', data: Buffer.from(`would run: ${command}\n`) }
      return { kind: 'ok', changed: true }
    }
    await using remote = await job.connect()
    const exit = yield* remote.exec({ line: command, login: true, ...(job.stdin && { stdin: job.stdin }) }, job)
    return outcomeOfExit(target.name, exit)
  },
}
