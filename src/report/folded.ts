/** The folded view (`-b`): gathers output while the run goes on, and shows equal output once at its end. */
import type { Output } from '../event.ts'
import type { Outcome } from '../outcome.ts'
import type { Target } from '../target.ts'
import { type Gathered, type Gathering, gather } from './gather.ts'
import { lineBatch } from './line-batch.ts'
import type { View } from './report.ts'
import type { Sink } from './sink.ts'
import { spill } from './spill.ts'
import { who } from './who.ts'

export interface FoldedOptions {
  /** How many bytes of finished output stay in memory; the rest goes to a temporary file. */
  readonly memory?: number
  /** Where that file is made, if one is needed. */
  readonly folder?: string
}

/** Targets whose output and outcome are equal. */
interface Group {
  readonly targets: Target[]
  readonly bodies: readonly Gathered[]
}

const RULE = '-'.repeat(15)
const STREAMS = ['stdout', 'stderr'] as const

/**
 * Shows each different output under the folded names of its targets, the largest group first. A target's standard error
 * follows its standard output: their mutual order differs from one run to the next, and would keep equal outputs apart.
 * Targets without output are not shown. What a stopped target had said by then is shown too.
 */
export const folded = (stdout: Sink, { memory = 32 * 1024 * 1024, folder }: FoldedOptions = {}): View => {
  const store = spill(folder)
  const coming = new Map<Target, Partial<Record<Output['stream'], Gathering>>>()
  const groups = new Map<string, Group>()
  let held = 0

  const add = (target: Target, { stream, data }: Output): Promise<void> | undefined => {
    if (data.length === 0) return
    const streams = coming.get(target) ?? {}
    coming.set(target, streams)
    streams[stream] ??= gather(store)
    return streams[stream].add(data)
  }

  const finish = async (target: Target, end: string): Promise<void> => {
    const streams = coming.get(target)
    if (streams === undefined) return
    coming.delete(target)
    const bodies: Gathered[] = []
    for (const stream of STREAMS) bodies.push(await (streams[stream] ?? gather(store)).close())
    const key = [end, ...bodies.map(body => body.digest)].join(' ')
    const group = groups.get(key)
    if (group !== undefined) {
      group.targets.push(target)
      for (const body of bodies) body.drop()
      return
    }
    groups.set(key, { targets: [target], bodies })
    for (const body of bodies) {
      if (held + body.held > memory) await body.park()
      held += body.held
    }
  }

  const print = async (name: string, bodies: readonly Gathered[]): Promise<void> => {
    await stdout.write(`${RULE}\n${name}\n${RULE}\n`)
    const batch = stdout.isTerminal ? lineBatch({ label: '', harmless: true }) : undefined
    for (const body of bodies) {
      for await (const bytes of body.read()) await stdout.write(batch === undefined ? bytes : batch.push(bytes))
    }
  }

  return {
    event(event) {
      switch (event.kind) {
        case 'started':
        case 'resource':
          return
        case 'output':
          return add(event.target, event.output)
        case 'finished':
          return finish(event.target, endOf(event.outcome))
        default:
          throw new Error(`unknown event: ${event satisfies never}`)
      }
    },
    async end() {
      for (const target of coming.keys()) await finish(target, 'unfinished')
      const named = [...groups.values()].map(({ targets, bodies }) => ({
        size: targets.length,
        name: who(targets),
        bodies,
      }))
      const order = new Intl.Collator('en', { numeric: true })
      named.sort((a, b) => b.size - a.size || order.compare(a.name, b.name))
      for (const { name, bodies } of named) await print(name, bodies)
      await stdout.flush()
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

/** What has to be equal beside the output: the kind of outcome and the exit code, not the message. */
const endOf = (outcome: Outcome): string =>
  outcome.kind === 'failed' ? `failed ${outcome.exitCode ?? ''} ${outcome.signal ?? ''}` : outcome.kind
