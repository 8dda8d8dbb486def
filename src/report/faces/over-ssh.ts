/** Views of a run as the tools see it which start an ssh(1) for each target: what goes wrong stands on its standard error. */
import type { Output } from '../../connection/connection.ts'
import type { Target } from '../../inventory/target.ts'
import type { RunEvent } from '../../run/event.ts'
import type { View } from '../report.ts'
import { sshEnd } from './ssh-end.ts'

export interface OverSshOptions {
  /** `lf`: a carriage return before a line feed is taken away. */
  readonly lineEnds: 'as they are' | 'lf'
}

const RETURN = 13
const STREAMS = ['stdout', 'stderr'] as const

/** One view of all: before a target has finished, each of them hears what ssh would have said about it. */
export const overSsh = (views: readonly View[], { lineEnds }: OverSshOptions): View => {
  /** Targets whose last piece ended with a carriage return, which is kept back. */
  const returns = { stdout: new Set<Target>(), stderr: new Set<Target>() }

  const forward = async (event: RunEvent): Promise<void> => {
    for (const view of views) await view.event(event)
  }
  const output = async (target: Target, { stream, data }: Output): Promise<void> => {
    if (data.length > 0) await forward({ kind: 'output', target, output: { stream, data } })
  }
  const withoutReturns = (target: Target, { stream, data }: Output): Output => {
    const kept = returns[stream]
    if (!kept.has(target) && !data.includes(RETURN)) return { stream, data }
    const text = (kept.has(target) ? '\r' : '') + Buffer.from(data).toString('latin1')
    kept.delete(target)
    if (text.endsWith('\r')) kept.add(target)
    return { stream, data: Buffer.from(text.replace(/\r$/, '').replaceAll('\r\n', '\n'), 'latin1') }
  }

  return {
    async event(event) {
      if (event.kind === 'output')
        return output(event.target, lineEnds === 'lf' ? withoutReturns(event.target, event.output) : event.output)
      if (event.kind === 'finished') {
        const { target, outcome } = event
        for (const stream of STREAMS)
          if (returns[stream].delete(target)) await output(target, { stream, data: Uint8Array.of(RETURN) })
        const { says } = sshEnd(outcome)
        if (says !== undefined) await output(target, { stream: 'stderr', data: Buffer.from(`${says}\n`) })
      }
      await forward(event)
    },
    async end(report) {
      for (const view of views) await view.end(report)
    },
    async [Symbol.asyncDispose]() {
      await using stack = new AsyncDisposableStack()
      for (const view of views) stack.defer(() => view[Symbol.asyncDispose]?.())
    },
  }
}
