/**
 * The password for becoming somebody else, once for a whole run. A wrong one must not be tried on every target, because
 * accounts are locked for less: the first target which wants it proves it, and the others wait until it has.
 */
import { type Abortable, orAborted } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'

/** How long others wait for the first one's proof before the next may try; milliseconds. */
const PROOF_MS = 30_000

export interface BecomePassword {
  /** The same as `attempt` where there is nothing to be waited for and nobody to be asked; else `undefined`. */
  atOnce(target: string): Attempt | undefined
  /**
   * The password for one try on a target. Waits while it is being proved on another. Throws `ACTOR_FAILED` when it was
   * refused there, or when there is none.
   */
  attempt(target: string, io: Abortable): Promise<Attempt>
}

/** One try. Exactly one of these is called, as soon as it is known; any after the first does nothing. */
export interface Attempt {
  readonly password: string
  accepted(): void
  refused(): void
  /** It is not known, and others may try. */
  unknown(): void
}

type PasswordState =
  | { readonly kind: 'unproved' }
  | { readonly kind: 'proved' }
  | { readonly kind: 'refused'; readonly on: string }
  | { readonly kind: 'none'; readonly error: StokerError }

/** A password which is known, or how to come by it: called once, when a target wants it. It throws a `StokerError` when there is none. */
export type PasswordSource = string | (() => Promise<string>)

/** The password of one run; `program` stands in messages. */
export const becomePassword = (program: string, source: PasswordSource): BecomePassword => {
  let state: PasswordState = { kind: 'unproved' }
  let password = typeof source === 'string' ? source : undefined
  let proof: Promise<void> | undefined

  const refuse = () => {
    if (state.kind === 'none') throw state.error
    if (state.kind === 'refused') throw notTried(program, state.on)
  }

  const ask = async (): Promise<string> => {
    try {
      if (typeof source !== 'string') password ??= await source()
      return password as string
    } catch (thrown) {
      if (thrown instanceof StokerError) state = { kind: 'none', error: thrown }
      throw thrown
    }
  }

  /** The one who proves it, until it is known. */
  const prover = (target: string) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    proof = promise
    let timer: NodeJS.Timeout | undefined
    const settle = (verdict: PasswordState) => {
      clearTimeout(timer)
      // A refusal counts also when it comes late; but what has been proved elsewhere is not wrong.
      if (state.kind === 'unproved') state = verdict
      if (proof === promise) proof = undefined
      resolve()
    }
    const unknown = () => settle({ kind: 'unproved' })
    return {
      unknown,
      begin(password: string): Attempt {
        timer = setTimeout(unknown, PROOF_MS)
        return {
          password,
          unknown,
          accepted: () => settle({ kind: 'proved' }),
          refused: () => settle({ kind: 'refused', on: target }),
        }
      },
    }
  }

  const proved = (): Attempt | undefined =>
    state.kind === 'proved' && password !== undefined ? settled(password) : undefined

  return {
    atOnce(target) {
      if (state.kind === 'unproved' && !proof && password !== undefined) return prover(target).begin(password)
      return proved()
    },
    async attempt(target, io) {
      while (proof && state.kind === 'unproved') await orAborted(proof, io)
      refuse()
      const known = proved()
      if (known) return known
      const mine = prover(target)
      try {
        return mine.begin(await orAborted(ask(), io))
      } catch (thrown) {
        mine.unknown()
        throw thrown
      }
    },
  }
}

const settled = (password: string): Attempt => ({ password, accepted() {}, refused() {}, unknown() {} })

const notTried = (program: string, on: string): StokerError =>
  new StokerError('ACTOR_FAILED', on, `not tried: ${program} on ${on} does not take the password`)
