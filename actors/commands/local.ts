/** Runs a command on the administrator's machine, once for each target. */

import { StokerError } from '../../src/base/errors.ts'
import { quote } from '../../src/base/quote.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor } from '../../src/run/actor.ts'
import { outcomeOfExit } from '../../src/run/outcome.ts'

/**
 * The argument is the command line. `%h` is the target's name, `%n` its place in the run from 0, `%%` a percent sign; the
 * environment has STOKER_NODE, _ADDRESS, _PORT, _USER, _MAC, _RANK, _COUNT and STOKER_VAR_<NAME> for each plain attribute.
 */
export const local: Actor<{ readonly command: string }> = {
  name: 'local',
  summary: 'run a command on this machine for every target',
  takes: 'text',
  connects: false,
  descriptors: 4,
  parse(argument) {
    if (typeof argument === 'string' && argument.trim() !== '' && !argument.includes('\0')) return { command: argument }
    throw new StokerError('ACTOR_OPTION', 'local', 'actor local needs a command: stoker run local TARGETS -- COMMAND')
  },
  async *act(target, { command }, job) {
    const line = command.replaceAll(/%[hn%]/g, sign => {
      if (sign === '%h') return quote(target.name)
      return sign === '%n' ? String(job.rank) : '%'
    })
    if (!job.apply) {
      yield { stream: 'stdout', data: Buffer.from(`would run here: ${line}\n`) }
      return { kind: 'ok', changed: true }
    }
    await using here = job.here(environment(target, job.rank, job.count))
    const exit = yield* here.exec({ line, login: true, ...(job.stdin && { stdin: job.stdin }) }, job)
    return outcomeOfExit(target.name, exit)
  },
}

const environment = (target: Target, rank: number, count: number): Readonly<Record<string, string>> => {
  const variables: Record<string, string> = {
    STOKER_NODE: target.name,
    STOKER_ADDRESS: target.addresses[0] ?? target.name,
    STOKER_PORT: String(target.port ?? 22),
    STOKER_USER: target.user ?? '',
    STOKER_MAC: target.macs.join(' '),
    STOKER_RANK: String(rank),
    STOKER_COUNT: String(count),
  }
  for (const [key, value] of Object.entries(target.vars)) {
    const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    // A NUL byte cannot be part of an environment; an attribute that holds one is no plain text.
    if (plain && !String(value).includes('\0'))
      variables[`STOKER_VAR_${key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`] = String(value)
  }
  return variables
}
