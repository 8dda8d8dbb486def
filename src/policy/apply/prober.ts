/** Looks at resources ahead of their turn, many in one round trip, as long as nothing changes. */
import type { Abortable } from '../../base/abortable.ts'
import type { StokerError } from '../../base/errors.ts'
import type { Connection } from '../../connection/connection.ts'
import type { LookOptions, Seen } from '../../converge/convergent.ts'
import type { Resource as Ready } from '../../converge/convergent-actor.ts'
import { lookAll } from '../../converge/probe.ts'

/** How many are looked at after a change: what comes next is likely to change something as well. Doubles with each time. */
const AFTER_CHANGE = 4

export class Looker {
  readonly #connection: Connection
  readonly #how: LookOptions & Abortable
  /** Whether a script holds a secret. */
  readonly #isSecret: (script: string) => boolean
  readonly #seen = new Map<Ready, Seen | StokerError>()
  #window = Number.POSITIVE_INFINITY

  constructor(connection: Connection, how: LookOptions & Abortable, isSecret: (script: string) => boolean) {
    this.#connection = connection
    this.#how = how
    this.#isSecret = isSecret
  }

  /** How many of those to come are worth looking at together with the next. */
  get window(): number {
    return this.#window
  }

  /** What the scripts print; `ahead` is looked at on the way. */
  async ask(scripts: readonly string[], ahead: readonly Ready[] = []): Promise<readonly (Seen | StokerError)[]> {
    const all = [...scripts, ...ahead.map(one => one.look(this.#how))]
    const hidden = all.some(this.#isSecret)
    const seen = await lookAll(this.#connection, all, { signal: this.#how.signal, hidden })
    for (const [i, one] of ahead.entries()) this.#seen.set(one, seen[scripts.length + i] as Seen | StokerError)
    return seen.slice(0, scripts.length)
  }

  /** How the resource is now. When it has to be looked at, as many of `ahead` as the window has room for are as well. */
  async see(one: Ready, ahead: () => Promise<readonly Ready[]>): Promise<Seen | StokerError> {
    if (!this.#seen.has(one)) {
      const others = (await ahead()).filter(other => other !== one)
      await this.ask([], [one, ...others.slice(0, this.#window - 1)])
      this.#window *= 2
    }
    return this.#seen.get(one) as Seen | StokerError
  }

  /** Whether the resource has been looked at, and nothing has changed since. */
  hasSeen(one: Ready): boolean {
    return this.#seen.has(one)
  }

  /** Something has changed: what was seen is worth nothing any more. */
  forget(): void {
    this.#seen.clear()
    this.#window = AFTER_CHANGE
  }
}
