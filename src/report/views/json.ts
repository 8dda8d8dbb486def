/** The view for programs: one JSON object a line. Its fields are described in `docs/output.md`. */
import type { StokerError } from '../../base/errors.ts'
import type { Output } from '../../connection/connection.ts'
import type { Target } from '../../inventory/target.ts'
import type { ResourceResult, RunEvent, Timing } from '../../run/event.ts'
import type { Outcome } from '../../run/outcome.ts'
import type { View } from '../report.ts'
import { resourceCounter } from '../resource-counter.ts'
import type { Sink } from '../sink.ts'
import type { Report } from '../tally.ts'
import { type Piece, type Pieces, pieces } from '../text/json-text.ts'

export interface JsonOptions {
  /** The wall clock in milliseconds since 1970, for tests. */
  readonly now?: () => number
}

/** Writes `started`, `output`, `resource` and `finished` as they happen, and at the end one `report`. */
export const json = (stdout: Sink, { now = Date.now }: JsonOptions = {}): View => {
  const streams = { stdout: new Map<Target, Pieces>(), stderr: new Map<Target, Pieces>() }
  const counts = resourceCounter()

  const output = (target: Target, { stream, data }: Output): string => {
    const known = streams[stream].get(target) ?? pieces()
    streams[stream].set(target, known)
    return outputLine(target, stream, known.push(data))
  }
  const rest = (target: Target): string => {
    const line = (stream: Output['stream']) => outputLine(target, stream, streams[stream].get(target)?.end())
    const both = line('stdout') + line('stderr')
    streams.stdout.delete(target)
    streams.stderr.delete(target)
    return both
  }
  const lines = (event: RunEvent): string => {
    const { target } = event
    switch (event.kind) {
      case 'started':
        return line({ kind: 'started', ...targetFields(target), at: new Date(now()).toISOString() })
      case 'output':
        return output(target, event.output)
      case 'resource':
        counts.add(target, event.result.state)
        return line({ kind: 'resource', node: target.name, ...resourceFields(event.result) })
      case 'finished': {
        const { outcome, timing } = event
        const resources = counts.take(target)
        return (
          rest(target) +
          line({
            kind: 'finished',
            node: target.name,
            ...outcomeFields(outcome),
            ...(resources && { resources }),
            timing: timingFields(timing),
            via: target.via,
          })
        )
      }
      default:
        throw new Error(`unknown event: ${event satisfies never}`)
    }
  }

  return {
    event: event => stdout.write(lines(event)),
    async end(report) {
      for (const target of [...streams.stdout.keys(), ...streams.stderr.keys()]) await stdout.write(rest(target))
      await stdout.write(line({ kind: 'report', ...reportFields(report) }))
      await stdout.flush()
    },
  }
}

const targetFields = (target: Target) => ({
  node: target.name,
  address: target.addresses[0] ?? target.name,
  ...(target.port !== undefined && { port: target.port }),
})

const outputLine = (target: Target, stream: Output['stream'], piece: Piece | undefined): string =>
  piece === undefined ? '' : line({ kind: 'output', node: target.name, stream, ...piece })

const outcomeFields = (outcome: Outcome) => {
  const { kind, ...fields } = outcome
  if (!('error' in fields)) return { outcome: kind, ...fields }
  const { error, ...others } = fields
  return { outcome: kind, ...others, error: errorFields(error) }
}

const resourceFields = ({ error, ...fields }: ResourceResult) => ({
  ...fields,
  ...(error && { error: errorFields(error) }),
})

const errorFields = ({ code, message, detail }: StokerError) => ({
  code,
  message,
  ...(detail !== undefined && { detail }),
})

const timingFields = (timing: Timing): Timing => ({
  ...(timing.connect !== undefined && { connect: ms(timing.connect) }),
  ...(timing.auth !== undefined && { auth: ms(timing.auth) }),
  ...(timing.command !== undefined && { command: ms(timing.command) }),
  total: ms(timing.total),
})

// Clocks give more digits than anyone wants to read or store.
const ms = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000

/** No run of now has an outcome which only journals know. */
const countFields = ({ unknown, ...others }: Report['counts']) => ({ ...others, ...(unknown > 0 && { unknown }) })

const reportFields = ({ total, counts, changed, resources, wall, largestExitCode, failures, slowest }: Report) => ({
  total,
  counts: countFields(counts),
  changed,
  ...(resources && { resources }),
  wall: ms(wall),
  largestExitCode,
  failures: failures.map(({ kind, targets, code, message, details, exitCode, signal }) => ({
    outcome: kind,
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(code !== undefined && { error: { code, message, ...(details.length > 0 && { details }) } }),
    nodes: targets.map(target => target.name),
  })),
  slowest: slowest.map(({ target, timing }) => ({ node: target.name, total: ms(timing.total) })),
})

// JSON escapes the controls below U+0020 only. What else a terminal could obey is escaped too: it means the same to a parser.
const line = (value: object): string =>
  `${JSON.stringify(value).replaceAll(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, escaped)}\n`

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
