/** Waiting between tries: longer each time, and unevenly, so that those who failed together do not come back together. */
import { type Abortable, pause } from './abortable.ts'

export interface BackOff {
  /** Milliseconds before the second try. */
  readonly first: number
  /** Milliseconds which no wait is above. */
  readonly most: number
}

/** Milliseconds to wait after so many tries (from 1): doubled each time up to `most`, of which half is left to chance. */
export const backOff = (tries: number, { first, most }: BackOff, chance = Math.random): number =>
  Math.min(first * 2 ** Math.min(tries - 1, 30), most) * (0.5 + chance() / 2)

/** Counts the failures in a row of something which is tried for ever. */
export class Retry {
  readonly #limits: BackOff
  readonly #chance: () => number
  #failures = 0

  constructor(limits: BackOff, chance = Math.random) {
    this.#limits = limits
    this.#chance = chance
  }

  get failures(): number {
    return this.#failures
  }

  /** It has worked: the next failure is the first one again. */
  reset(): void {
    this.#failures = 0
  }

  /** It has failed once more: milliseconds until it is to be tried again. */
  failed(): number {
    this.#failures += 1
    return backOff(this.#failures, this.#limits, this.#chance)
  }

  /** It has failed once more: waits until it is to be tried again, or throws the signal's reason. */
  async wait(io: Abortable): Promise<void> {
    await pause(this.failed(), io)
  }
}
