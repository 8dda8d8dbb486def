/** Who is asking: every signed request passes here, and nothing else says who somebody is. */

import { publicKeyText } from '../protocol/keys.ts'
import { id, voName } from '../protocol/names.ts'
import { type Claim, claimOf, type SignedRequest } from '../protocol/signature.ts'
import type { Store } from '../store/store.ts'
import { RefusedRequest } from './http/refusal.ts'
import type { Limits } from './limits.ts'

export type Caller =
  | { readonly kind: 'node'; readonly vo: string; readonly node: string }
  /** Holds a key which nobody knows yet. */
  | { readonly kind: 'newcomer'; readonly publicKey: string }
  | { readonly kind: 'vo'; readonly vo: string }
  | { readonly kind: 'operator' }

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Milliseconds by which a signature's time may differ from ours. Whoever differs more is told our time, and signs again. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000

export interface Authenticator {
  /**
   * Before the body is read: whether the one who says to have signed may do so at all. What is claimed here is not yet
   * proved; but nobody unknown shall fill the memory. Throws `RefusedRequest`.
   */
  precheck(headers: Headers, who: Caller['kind'], vo: string | undefined): Promise<void>
  /** Throws `RefusedRequest`. A signature counts once. */
  authenticate(request: SignedRequest, headers: Headers, now: number): Promise<Caller>
}

export const openAuthenticator = (store: Store, operatorKey: string, limits: Limits): Authenticator => {
  /** Who owns the key, and the key; `undefined`: nobody. */
  const ownerOf = async (keyid: string): Promise<readonly [Caller, string] | undefined> => {
    if (keyid === 'operator') return [{ kind: 'operator' }, operatorKey]
    if (keyid.startsWith('vo:') && voName.safeParse(keyid.slice(3)).success) {
      const vo = await store.vo(keyid.slice(3))
      return vo && [{ kind: 'vo', vo: vo.name }, vo.publicKey]
    }
    if (id('n').safeParse(keyid).success) {
      const node = await store.nodeById(keyid)
      if (node?.revoked !== undefined) throw new RefusedRequest('forbidden', `node ${keyid} has been revoked`)
      return node && [{ kind: 'node', vo: node.vo, node: node.id }, node.publicKey]
    }
    if (publicKeyText.safeParse(keyid).success) return [{ kind: 'newcomer', publicKey: keyid }, keyid]
    return undefined
  }

  /** Everybody only so often: before anything is written that is due to them. */
  const takeFromLimit = (caller: Caller, now: number): void => {
    if (caller.kind === 'newcomer') limits.enrolments.take('', now)
    if (caller.kind === 'node') limits.signed.take(caller.node, now)
    if (caller.kind === 'vo') limits.administrators.take(caller.vo, now)
  }

  return {
    async precheck(headers, who, vo) {
      const keyid = claimedKey(headers)
      const owner = keyid === undefined ? undefined : await ownerOf(keyid)
      if (!owner) throw new RefusedRequest('unsigned', 'the request is not signed by anybody who is known here')
      const [caller] = owner
      if (caller.kind !== who || (caller.kind === 'vo' && caller.vo !== vo))
        throw new RefusedRequest('forbidden', REQUIRED_KEY[who])
    },
    async authenticate(request, headers, now) {
      const claim = claimOf(request, headers)
      if (!claim) throw new RefusedRequest('unsigned', 'the request is not signed, or its body is not what was signed')
      const owner = await ownerOf(claim.keyid)
      // The same answer for an unknown key and a wrong signature: who is enrolled here is nobody's business.
      if (!owner || !claim.isRight(owner[1])) throw new RefusedRequest('unsigned', 'the signature is not right')
      if (Math.abs(claim.created * 1000 - now) > CLOCK_TOLERANCE_MS) throw clockRefusal(claim, now)
      takeFromLimit(owner[0], now)
      const nonce = `${claim.keyid} ${claim.nonce}`
      if (!(await store.useNonce(nonce, claim.created * 1000 + 2 * CLOCK_TOLERANCE_MS)))
        throw new RefusedRequest('replayed', 'this request has been made before')
      return owner[0]
    },
  }
}

const REQUIRED_KEY: Readonly<Record<Caller['kind'], string>> = {
  node: 'this is for nodes',
  newcomer: 'the request has to be signed with the new key',
  vo: 'this needs the key of the VO',
  operator: "this needs the operator's key",
}

/** Who says to have signed: for the log, and to be believed nowhere. */
export const claimedKey = (headers: Headers): string | undefined =>
  /;keyid="([A-Za-z0-9:._-]{1,80})"/.exec(String(headers['signature-input'] ?? ''))?.[1]

const clockRefusal = ({ created }: Claim, now: number): RefusedRequest => {
  const minutes = Math.round((created * 1000 - now) / 60_000)
  return new RefusedRequest('clock', `the signature's time differs from the server's clock by ${minutes} minutes`)
}
