/** A target: one machine after deduplication, with all that is known of it and how it was reached. */
import type { NodeName } from '../base/names.ts'

/** One way which led to a target: `warehouse` answered the last name of `path`. */
export interface Provenance {
  readonly warehouse: string
  /** From what was typed to the node's name: `['@apache', '@frontends', 'webserver01']`. */
  readonly path: readonly string[]
}

/** One machine to act on. */
export interface Target {
  /** The name it was first reached by; the label in output and report. */
  readonly name: NodeName
  /** All names and aliases, `name` first. */
  readonly names: readonly string[]
  /** What to connect to, the preferred one first; empty means: the name itself. */
  readonly addresses: readonly string[]
  readonly port: number | undefined
  readonly user: string | undefined
  /** Lower case, colon-separated. */
  readonly macs: readonly string[]
  readonly vars: Readonly<Record<string, unknown>>
  readonly via: readonly Provenance[]
}
