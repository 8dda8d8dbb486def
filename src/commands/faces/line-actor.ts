/** Runs a line which may differ from target to target: over there, or here on behalf of each. */
import type { Target } from '../../inventory/target.ts'
import type { Actor } from '../../run/actor.ts'
import { outcomeOfExit } from '../../run/outcome.ts'

export interface LineOptions {
  /** For the login user's shell on the target, or for /bin/sh here; `rank` is the target's place from 0. */
  readonly line: (target: Target, rank: number) => string
  readonly where: 'there' | 'here'
  /** What each command reads before what is piped in. */
  readonly before?: Uint8Array | undefined
}

export const lineActor = ({ line, where, before }: LineOptions): Actor<undefined> => ({
  name: 'shell',
  summary: 'run a command on every target',
  takes: 'text',
  connects: where === 'there',
  ...(where === 'here' && { descriptors: 4 }),
  parse: () => undefined,
  async *act(target, _options, job) {
    await using connection = where === 'there' ? await job.connect() : job.here()
    const stdin = before ? preceded(before, job.stdin) : job.stdin
    const exit = yield* connection.exec({ line: line(target, job.rank), ...(stdin && { stdin }) }, job)
    return outcomeOfExit(target.name, exit)
  },
})

async function* preceded(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  yield first
  if (rest) yield* rest
}
