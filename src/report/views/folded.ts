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
import { compared, type Variant } from './compared.ts'
import { type Gathered, type Gathering, gather } from './gather.ts'
import { spill } from './spill.ts'

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

/** Targets whose output and outcome are equal. */
interface Group {
  readonly targets: Target[]
  readonly bodies: readonly Gathered[]
  readonly end: string
}

/** A stream of a target which is still coming in. */
interface Coming {
  readonly gathering: Gathering
  /** Whole lines, where their text has to be looked at. */
  readonly lines: LineBatch | undefined
}

const RULE = '-'.repeat(15)
const STREAMS = ['stdout', 'stderr'] as const

/**
 * Shows each different output under the folded names of its targets, the largest group first. A target's standard error
 * follows its standard output: their mutual order differs from one run to the next, and would keep equal outputs apart.
 * Targets without output are not shown, unless outputs are compared. What a stopped target had said by then is shown too.
 */
export const folded = (
  stdout: Sink,
  { memory = 32 * 1024 * 1024, folder, mask = false, compare = false }: FoldedOptions = {},
): View => {
  const store = spill(folder)
  const coming = new Map<Target, Partial<Record<Output['stream'], Coming>>>()
  const groups = new Map<string, Group>()
  let held = 0

  const add = (target: Target, { stream, data }: Output): Promise<void> | undefined => {
    if (data.length === 0) return
    const streams = coming.get(target) ?? {}
    coming.set(target, streams)
    streams[stream] ??= {
      gathering: gather(store),
      lines: mask ? lineBatch({ label: '', harmless: false }) : undefined,
    }
    const { gathering, lines } = streams[stream]
    return gathering.add(lines ? masked(lines.push(data), target) : data)
  }

  const close = async (target: Target, coming: Coming | undefined): Promise<Gathered> => {
    const { gathering, lines } = coming ?? { gathering: gather(store) }
    if (lines) await gathering.add(masked(lines.end(), target))
    return await gathering.close()
  }

  const finish = async (target: Target, end: string): Promise<void> => {
    const streams = coming.get(target) ?? (compare && RAN.test(end) ? {} : undefined)
    if (streams === undefined) return
    coming.delete(target)
    const bodies: Gathered[] = []
    for (const stream of STREAMS) bodies.push(await close(target, streams[stream]))
    const key = [end, ...bodies.map(body => body.digest)].join(' ')
    const group = groups.get(key)
    if (group !== undefined) {
      group.targets.push(target)
      for (const body of bodies) body.drop()
      return
    }
    groups.set(key, { targets: [target], bodies, end })
    for (const body of bodies) {
      if (held + body.held > memory) await body.park()
      held += body.held
    }
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
      for (const target of coming.keys()) await finish(target, 'unfinished')
      const named = [...groups.values()].map(({ targets, ...group }) => ({
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
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
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
