/**
 * The password for becoming somebody else, once for a whole run. A wrong one must not be tried on every target, because
 * accounts are locked for less: the first target which wants it proves it, and the others wait until it has.
 */
import { type Abortable, orAborted } from '../abortable.ts'
import { StokerError } from '../errors.ts'

/** How long others wait for the first one's proof before the next may try; milliseconds. */
const PROOF_MS = 30_000

export interface BecomePassword {
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

type Standing =
  | { readonly kind: 'unproved' }
  | { readonly kind: 'proved' }
  | { readonly kind: 'refused'; readonly on: string }
  | { readonly kind: 'none'; readonly error: StokerError }

/**
 * `obtain` is called once, when a target wants the password; it throws a `StokerError` when there is none. `program` stands
 * in messages.
 */
export const becomePassword = (program: string, obtain: () => Promise<string>): BecomePassword => {
  let standing: Standing = { kind: 'unproved' }
  let password: string | undefined
  let proof: Promise<void> | undefined

  const refuse = () => {
    if (standing.kind === 'none') throw standing.error
    if (standing.kind === 'refused') throw notTried(program, standing.on)
  }

  const ask = async (): Promise<string> => {
    try {
      password ??= await obtain()
      return password
    } catch (thrown) {
      if (thrown instanceof StokerError) standing = { kind: 'none', error: thrown }
      throw thrown
    }
  }

  return {
    async attempt(target, io) {
      while (proof && standing.kind === 'unproved') await orAborted(proof, io)
      refuse()
      if (standing.kind === 'proved' && password !== undefined) return settled(password)
      const { promise, resolve } = Promise.withResolvers<void>()
      proof = promise
      let isOver = false
      let timer: NodeJS.Timeout | undefined
      const settle = (verdict: Standing) => {
        clearTimeout(timer)
        // A refusal counts also when it comes late; but what has been proved elsewhere is not wrong.
        if (standing.kind === 'unproved') standing = verdict
        if (!isOver && proof === promise) proof = undefined
        isOver = true
        resolve()
      }
      const unknown = () => settle({ kind: 'unproved' })
      try {
        const password = await orAborted(ask(), io)
        timer = setTimeout(unknown, PROOF_MS)
        return {
          password,
          unknown,
          accepted: () => settle({ kind: 'proved' }),
          refused: () => settle({ kind: 'refused', on: target }),
        }
      } catch (thrown) {
        unknown()
        throw thrown
      }
    },
  }
}

const settled = (password: string): Attempt => ({ password, accepted() {}, refused() {}, unknown() {} })

const notTried = (program: string, on: string): StokerError =>
  new StokerError('ACTOR_FAILED', on, `not tried: ${program} on ${on} does not take the password`)
