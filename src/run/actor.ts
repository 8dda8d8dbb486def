/** The seam "what": an actor applies one argument to one target. A third party's actor is one file which exports an `Actor`. */
import type { Abortable } from '../base/abortable.ts'
import type { Connection, Output } from '../connection/connection.ts'
import type { Convergent, Materials } from '../converge/convergent.ts'
import type { Target } from '../inventory/target.ts'
import type { ResourceResult } from './event.ts'
import type { Outcome } from './outcome.ts'

/** What the core gives an actor for one target. Parallelism, time limits and retries are the core's business. */
export interface Job extends Abortable {
  /** `false`: change nothing, say what would be done. */
  readonly apply: boolean
  /** Opens a connection to the target, over the network or on this machine: the actor cannot tell. The actor disposes it. */
  connect(): Promise<Connection>
  /** A connection to the machine which the run is started from, with `environment` added to the program's own. */
  here(environment?: Readonly<Record<string, string>>): Connection
  /** What was piped into the run, from its beginning; `undefined` when nothing was. */
  readonly stdin: AsyncIterable<Uint8Array> | undefined
  /**
   * Sources and templates on this side, for actors which bring files. `reach` is asked for the open connection when a
   * template wants to know something of the target itself.
   */
  materials(reach: () => Promise<Connection>): Materials
  /** Whether differences of texts are to be shown. */
  readonly diff: boolean
  /** Told, as often as one likes, how many bytes of a file have been moved of those which are to be; for whoever watches. */
  readonly moved?: (bytes: number, of: number) => void
  /** This target's place in the run, from 0, and how many there are. */
  readonly rank: number
  readonly count: number
}

export interface Actor<O = unknown> {
  readonly name: string
  /** One line for help texts. */
  readonly summary: string
  /** What stands after `--`: the words joined to one text, or `key=value` pairs as an object of strings. */
  readonly takes: 'text' | 'options'
  /** Of an actor which takes options: what other words mean; without it all have to be `key=value`. Throws `ACTOR_OPTION`. */
  words?(words: readonly string[]): Readonly<Record<string, unknown>>
  /** The argument in, typed options out; throws `ACTOR_OPTION` naming the option. */
  parse(argument: unknown): O
  /** Yields output as it comes, a policy's results as well, and returns how it ended. A throw becomes a failed outcome, never a crash of the run. */
  act(target: Target, options: O, job: Job): AsyncGenerator<Output | ResourceResult, Outcome, void>
  /** File descriptors which one running job takes on this machine beside its connection (default 0). */
  readonly descriptors?: number
  /** For convergent actors: how it probes and plans, so that a policy can probe many resources at once. */
  readonly convergent?: Convergent<O, unknown>
  /** Files and folders on this side which it will read, by their paths: what is missing is told before anything begins. Pure. */
  sources?(options: O): readonly string[]
  /** `false`: it has no use for what is piped into the run. */
  readonly takesInput?: boolean
  /** Whether it uses `job.connect`; those which act from this machine say `false`. */
  readonly connects: boolean
}

/** The actors which can be named: those of a site, or of an agent. */
export interface ActorLibrary {
  readonly names: readonly string[]
  /** The actor of a name which is among `names`. */
  actor(name: string): Promise<Actor>
}
