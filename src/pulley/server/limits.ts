/** How much anybody may ask: buckets which fill up again. By who somebody is, never by where a request comes from. */
import type { FastifyReply } from 'fastify'
import { RefusedRequest } from './http/refusal.ts'

export interface Rate {
  /** Requests at once. */
  readonly burst: number
  /** Requests a second after that. */
  readonly perSecond: number
}

/** Buckets which are remembered; the fullest are as good as new, and are forgotten first. */
const MAX_BUCKETS = 100_000

export class TokenBuckets {
  readonly #rate: Rate
  #buckets = new Map<string, { left: number; at: number }>()

  constructor(rate: Rate) {
    this.#rate = rate
  }

  /** Takes one from the bucket of this key; throws `RefusedRequest` when it is empty. `now` in milliseconds. */
  take(key: string, now: number): void {
    const { burst, perSecond } = this.#rate
    const bucket = this.#buckets.get(key) ?? { left: burst, at: now }
    const left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond)
    if (left < 1) throw new RefusedRequest('too-many', 'too many requests; try again later')
    this.#buckets.set(key, { left: left - 1, at: now })
    if (this.#buckets.size > MAX_BUCKETS) this.#removeFull(now)
  }

  #removeFull(now: number): void {
    const { burst, perSecond } = this.#rate
    const refill = (burst / perSecond) * 1000
    this.#buckets = new Map([...this.#buckets].filter(([, { at }]) => now - at < refill))
  }
}

/** Work of one kind at once; whoever comes when it is full is refused. */
export class Slots {
  readonly #limit: number
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes a slot until the answer is out, or its client has gone. */
  hold({ raw }: FastifyReply): void {
    if (this.#taken >= this.#limit) throw new RefusedRequest('busy', 'too many uploads at once; try again later')
    this.#taken++
    raw.once('close', () => {
      this.#taken--
    })
  }
}

export interface Limits {
  /** New nodes, all together. */
  readonly enrolments: TokenBuckets
  /** Signed requests of one node. */
  readonly signed: TokenBuckets
  /** Those of one VO's administrators, who ask for the output of ten thousand nodes. */
  readonly administrators: TokenBuckets
  /** Polls of one node. */
  readonly polls: TokenBuckets
  readonly uploads: Slots
}

export type Rates = Readonly<Record<Exclude<keyof Limits, 'uploads'>, Rate>>

export const RATES: Rates = {
  enrolments: { burst: 3000, perSecond: 300 },
  signed: { burst: 400, perSecond: 50 },
  administrators: { burst: 4000, perSecond: 1000 },
  polls: { burst: 60, perSecond: 5 },
}

export const limits = ({ enrolments, signed, administrators, polls }: Rates = RATES): Limits => ({
  enrolments: new TokenBuckets(enrolments),
  signed: new TokenBuckets(signed),
  administrators: new TokenBuckets(administrators),
  polls: new TokenBuckets(polls),
  uploads: new Slots(4),
})
