/** The live view: each line of output as it is completed, with the name of its target in front. */

import type { Output } from '../../connection/connection.ts'
import type { Target } from '../../inventory/target.ts'
import type { View } from '../report.ts'
import type { Sink, Sinks } from '../sink.ts'
import { type LineBatch, lineBatch } from '../text/line-batch.ts'

export interface LinesOptions {
  /** `false` (`-N`): the lines as they are, without `node: ` in front. Or what stands in front of each line. */
  readonly label: boolean | ((target: Target, stream: Output['stream']) => string)
}

/**
 * A target's standard output goes to ours and its standard error to ours. Lines of different targets never mix inside a
 * line; a missing last line feed is added when the target ends. Into a pipe or a file the bytes pass unchanged; for a
 * terminal control characters are made harmless. A line which has not ended after 1 MiB is broken there.
 */
export const lines = ({ stdout, stderr }: Pick<Sinks, 'stdout' | 'stderr'>, { label }: LinesOptions): View => {
  const sinkOf: Record<Output['stream'], Sink> = { stdout, stderr }
  const batches = { stdout: new Map<Target, LineBatch>(), stderr: new Map<Target, LineBatch>() }

  const labelOf = (target: Target, stream: Output['stream']): string => {
    if (typeof label === 'function') return label(target, stream)
    return label ? `${target.name}: ` : ''
  }

  const batchOf = (target: Target, stream: Output['stream']): LineBatch => {
    const known = batches[stream].get(target)
    if (known !== undefined) return known
    const batch = lineBatch({ label: labelOf(target, stream), harmless: sinkOf[stream].isTerminal })
    batches[stream].set(target, batch)
    return batch
  }

  const finish = async (target: Target): Promise<void> => {
    for (const stream of ['stdout', 'stderr'] as const) {
      const batch = batches[stream].get(target)
      batches[stream].delete(target)
      if (batch !== undefined) await sinkOf[stream].write(batch.end())
    }
  }

  return {
    event(event) {
      switch (event.kind) {
        case 'started':
        case 'resource':
          return
        case 'output': {
          const { stream, data } = event.output
          return sinkOf[stream].write(batchOf(event.target, stream).push(data))
        }
        case 'finished':
          return finish(event.target)
        default:
          throw new Error(`unknown event: ${event satisfies never}`)
      }
    },
    async end() {
      for (const target of [...batches.stdout.keys(), ...batches.stderr.keys()]) await finish(target)
      await stdout.flush()
      await stderr.flush()
    },
  }
}
