/** Probes resources ahead of their turn, many in one round trip, as long as nothing changes. */
import type { Abortable } from '../../base/abortable.ts'
import type { StokerError } from '../../base/errors.ts'
import type { Connection } from '../../connection/connection.ts'
import type { ProbeOptions, ProbeResult } from '../../converge/convergent.ts'
import type { DesiredResource } from '../../converge/convergent-actor.ts'
import { probeAll } from '../../converge/probe-all.ts'

/** How many are probed after a change: what comes next is likely to change something as well. Doubles with each time. */
const WINDOW_AFTER_CHANGE = 4

export class Prober {
  readonly #connection: Connection
  readonly #options: ProbeOptions & Abortable
  /** Whether a script holds a secret. */
  readonly #isSecret: (script: string) => boolean
  readonly #results = new Map<DesiredResource, ProbeResult | StokerError>()
  #window = Number.POSITIVE_INFINITY

  constructor(connection: Connection, options: ProbeOptions & Abortable, isSecret: (script: string) => boolean) {
    this.#connection = connection
    this.#options = options
    this.#isSecret = isSecret
  }

  /** How many of those to come are worth probing together with the next. */
  get window(): number {
    return this.#window
  }

  /** What the scripts print; `lookahead` is probed in the same round trip. */
  async run(
    scripts: readonly string[],
    lookahead: readonly DesiredResource[] = [],
  ): Promise<readonly (ProbeResult | StokerError)[]> {
    const all = [...scripts, ...lookahead.map(resource => resource.probe(this.#options))]
    const hidden = all.some(this.#isSecret)
    const results = await probeAll(this.#connection, all, { signal: this.#options.signal, hidden })
    for (const [i, resource] of lookahead.entries())
      this.#results.set(resource, results[scripts.length + i] as ProbeResult | StokerError)
    return results.slice(0, scripts.length)
  }

  /** How the resource is now. When it has to be probed, as many of `lookahead` as the window has room for are as well. */
  async probe(
    resource: DesiredResource,
    lookahead: () => Promise<readonly DesiredResource[]>,
  ): Promise<ProbeResult | StokerError> {
    if (!this.#results.has(resource)) {
      const others = (await lookahead()).filter(other => other !== resource)
      await this.run([], [resource, ...others.slice(0, this.#window - 1)])
      this.#window *= 2
    }
    return this.#results.get(resource) as ProbeResult | StokerError
  }

  /** Whether the resource has been probed, and nothing has changed since. */
  hasProbed(resource: DesiredResource): boolean {
    return this.#results.has(resource)
  }

  /** Something has changed: earlier results count no more. */
  invalidate(): void {
    this.#results.clear()
    this.#window = WINDOW_AFTER_CHANGE
  }
}
