/** The folded view (`-b`): gathers output while the run goes on, and shows equal output once at its end. */
import { isUtf8 } from 'node:buffer'
import { harmlessLines } from '../../base/printable.ts'
import type { Output } from '../../connection/connection.ts'
import { formatTargets } from '../../inventory/format-targets.ts'
import type { Target } from '../../inventory/target.ts'
import type { Outcome } from '../../run/outcome.ts'
import type { View } from '../report.ts'
import type { Sink } from '../sink.ts'
import { type LineBatch, lineBatch } from '../text/line-batch.ts'
import { maskOutput } from '../text/mask.ts'
import { collection } from './collection.ts'
import { compared, type Variant } from './compared.ts'

export interface FoldedOptions {
  /** How many bytes of finished output stay in memory; the rest goes to a temporary file. */
  readonly memory?: number
  /** Where that file is made, if one is needed. */
  readonly folder?: string
  /** Whether a target's own names and addresses count as equal to another's. */
  readonly mask?: boolean
  /** Whether the others are shown by how they differ from what most targets say. */
  readonly compare?: boolean
}

const RULE = '-'.repeat(15)
const STREAMS = ['stdout', 'stderr'] as const

/**
 * Shows each different output under the folded names of its targets, the largest group first. A target's standard error
 * follows its standard output: their mutual order differs from one run to the next, and would keep equal outputs apart.
 * Targets without output are not shown, unless outputs are compared. What a stopped target had said by then is shown too.
 */
export const folded = (stdout: Sink, { memory, folder, mask = false, compare = false }: FoldedOptions = {}): View => {
  const outputs = collection({ streams: STREAMS, memory, folder })
  /** Whole lines, where their text has to be looked at. */
  const partial = new Map<Target, Partial<Record<Output['stream'], LineBatch>>>()

  const add = (target: Target, { stream, data }: Output): Promise<void> | undefined => {
    if (!mask) return outputs.add(target, stream, data)
    const lines = partial.get(target) ?? {}
    partial.set(target, lines)
    lines[stream] ??= lineBatch({ label: '', harmless: false })
    return outputs.add(target, stream, masked(lines[stream].push(data), target))
  }

  const finish = async (target: Target, end: string): Promise<void> => {
    for (const stream of STREAMS) {
      const rest = partial.get(target)?.[stream]?.end()
      if (rest) await outputs.add(target, stream, masked(rest, target))
    }
    partial.delete(target)
    if (outputs.has(target) || (compare && RAN.test(end))) await outputs.finish(target, end)
  }

  const print = async ({ name, bodies }: Variant): Promise<void> => {
    await stdout.write(`${RULE}\n${name}\n${RULE}\n`)
    const batch = stdout.isTerminal ? lineBatch({ label: '', harmless: true }) : undefined
    for (const body of bodies) {
      for await (const bytes of body.read()) await stdout.write(batch === undefined ? bytes : batch.push(bytes))
    }
  }

  const differences = async (most: Variant, variant: Variant): Promise<string> => {
    const text = await compared(most, variant)
    return stdout.isTerminal ? harmlessLines(text) : text
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
      for (const target of new Set([...outputs.coming(), ...partial.keys()])) await finish(target, 'unfinished')
      const named = outputs.groups().map(({ targets, ...group }) => ({
        size: targets.length,
        name: formatTargets(targets),
        ...group,
      }))
      const order = new Intl.Collator('en', { numeric: true })
      named.sort((a, b) => b.size - a.size || order.compare(a.name, b.name))
      const [most, ...others] = named
      if (most) await print(most)
      for (const variant of others) {
        if (!compare || !most) await print(variant)
        else await stdout.write(await differences(most, variant))
      }
      await stdout.flush()
    },
    [Symbol.asyncDispose]: () => outputs[Symbol.asyncDispose](),
  }
}

/** Ends of targets which ran: that they said nothing is worth comparing. */
const RAN = /^(ok|failed)/

/** Bytes which are no text have no names in them. */
const masked = (lines: Uint8Array, target: Target): Uint8Array =>
  lines.length > 0 && isUtf8(lines) ? Buffer.from(maskOutput(Buffer.from(lines).toString(), target)) : lines

/** What has to be equal beside the output: the kind of outcome and the exit code, not the message. */
const endOf = (outcome: Outcome): string =>
  outcome.kind === 'failed' ? `failed ${outcome.exitCode ?? ''} ${outcome.signal ?? ''}` : outcome.kind
