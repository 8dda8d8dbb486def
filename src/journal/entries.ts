/** The lines of a run's journal. Each is one JSON object; the last may be cut off where the program was killed. Pure. */
import { type ErrorCode, StokerError } from '../base/errors.ts'
import { parseNodeName } from '../base/names.ts'
import type { Provenance, Target } from '../inventory/target.ts'
import type { ResourceResult, RunEvent, Timing } from '../run/event.ts'
import type { Outcome } from '../run/outcome.ts'

/** What was run, as it can be run again. */
export interface RunHead {
  readonly id: string
  /** Of the program which wrote it. */
  readonly version: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly command: 'run' | 'apply'
  /** The action with its words, or the policy. */
  readonly words: readonly string[]
  /** The target expression as typed; empty: the policy's own. */
  readonly expression: string
  /** The options which count for another run as well. No secrets: those are asked for again. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly folder: string
  /** Whether something was piped into it. */
  readonly input: boolean
  /** Variables of the environment which it depended on, none of them a secret. */
  readonly environment?: Readonly<Record<string, string>>
  /** The process which writes it, for `isAlive`. */
  readonly author?: string
  /** The run whose targets these are. */
  readonly again?: string
  readonly targets: readonly Target[]
}

export type Line =
  | { readonly kind: 'run'; readonly head: RunHead }
  /** On disk before anything happens on the target. */
  | { readonly kind: 'began'; readonly n: number; readonly at: number }
  | { readonly kind: 'event'; readonly event: RunEvent }
  /** Output beyond the limit was left out. */
  | { readonly kind: 'truncated'; readonly n: number }
  | { readonly kind: 'ended'; readonly at: number; readonly exitCode: number; readonly emptyInput?: true }

const FORMAT = 1

/** One line with its line feed. `n` is the target's place in the run. */
export const formatLine = (line: Line, positionOf: (target: Target) => number): string => {
  switch (line.kind) {
    case 'run':
      return text({ kind: 'run', format: FORMAT, ...line.head })
    case 'event':
      return text(formatEvent(line.event, positionOf(line.event.target)))
    default:
      return text(line)
  }
}

const text = (value: object): string => `${JSON.stringify(value)}\n`

const formatEvent = (event: RunEvent, n: number): object => {
  switch (event.kind) {
    case 'started':
      return { kind: 'started', n }
    case 'output': {
      const { stream, data } = event.output
      return { kind: 'output', n, stream, data: Buffer.from(data).toString('base64') }
    }
    case 'resource': {
      const { error, ...result } = event.result
      return { kind: 'resource', n, result: { ...result, ...(error && { error: formatError(error) }) } }
    }
    case 'finished': {
      const { outcome, timing } = event
      const plain = 'error' in outcome ? { ...outcome, error: formatError(outcome.error) } : outcome
      return { kind: 'finished', n, outcome: plain, timing }
    }
  }
}

const formatError = ({ code, subject, message, detail }: StokerError) => ({
  ...{ code, subject, message },
  ...(detail !== undefined && { detail }),
})

/** The line; `undefined` for one which was cut off, or makes no sense. `head` is that of the first line. */
export const parseLine = (line: string, head: RunHead | undefined): Line | undefined => {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // cut off
  }
  if (value.kind === 'run') return value.format === FORMAT ? { kind: 'run', head: parseHead(value) } : undefined
  if (value.kind === 'ended') return parseEnd(value)
  const n = Number(value.n)
  const target = head?.targets[n]
  if (!target) return undefined
  if (value.kind === 'began') return { kind: 'began', n, at: Number(value.at) }
  if (value.kind === 'truncated') return { kind: 'truncated', n }
  const event = parseEvent(value, target)
  return event && { kind: 'event', event }
}

const parseEnd = ({ at, exitCode, emptyInput }: Record<string, unknown>): Line => ({
  ...{ kind: 'ended', at: Number(at), exitCode: Number(exitCode) },
  ...(emptyInput === true && { emptyInput }),
})

const parseEvent = (value: Record<string, unknown>, target: Target): RunEvent | undefined => {
  switch (value.kind) {
    case 'started':
      return { kind: 'started', target }
    case 'output': {
      const data = Buffer.from(String(value.data), 'base64')
      return { kind: 'output', target, output: { stream: value.stream === 'stderr' ? 'stderr' : 'stdout', data } }
    }
    case 'resource':
      return { kind: 'resource', target, result: withError(value.result as ResourceResult) }
    case 'finished':
      return { kind: 'finished', target, outcome: withError(value.outcome as Outcome), timing: value.timing as Timing }
    default:
      return undefined
  }
}

const withError = <T extends object>(value: T): T => {
  if (!('error' in value)) return value
  const { code, subject, message, detail } = value.error as {
    code: ErrorCode
    subject: string
    message: string
    detail?: string
  }
  return { ...value, error: new StokerError(code, subject, message, { detail }) }
}

const parseHead = (value: Record<string, unknown>): RunHead => {
  const { kind: _, format: __, targets, ...head } = value as Record<string, unknown> & { targets: readonly object[] }
  return { ...(head as unknown as RunHead), targets: targets.map(parseTarget) }
}

const parseTarget = (value: object): Target => {
  const { name, names, addresses, port, user, macs, vars, via } = value as Record<string, unknown>
  return {
    name: parseNodeName(String(name)),
    names: names as readonly string[],
    addresses: addresses as readonly string[],
    port: port as number | undefined,
    user: user as string | undefined,
    macs: macs as readonly string[],
    vars: vars as Readonly<Record<string, unknown>>,
    via: via as readonly Provenance[],
  }
}
