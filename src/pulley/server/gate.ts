/** Who is asking: every signed request passes here, and nothing else says who somebody is. */

import { publicKeyText } from '../protocol/keys.ts'
import { id, voName } from '../protocol/names.ts'
import { type Claim, claimOf, type SignedRequest } from '../protocol/signature.ts'
import type { Store } from '../store/store.ts'
import { RefusedRequest } from './refusal.ts'

export type Caller =
  | { readonly kind: 'node'; readonly vo: string; readonly node: string }
  /** Holds a key which nobody knows yet. */
  | { readonly kind: 'newcomer'; readonly publicKey: string }
  | { readonly kind: 'vo'; readonly vo: string }
  | { readonly kind: 'operator' }

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Milliseconds by which a signature's time may differ from ours. Whoever differs more is told our time, and signs again. */
const TOLERANCE = 5 * 60 * 1000

export interface Gate {
  /** Throws `RefusedRequest`. A signature counts once. */
  admit(request: SignedRequest, headers: Headers, now: number): Promise<Caller>
}

export const openGate = (store: Store, operatorKey: string): Gate => {
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

  return {
    async admit(request, headers, now) {
      const claim = claimOf(request, headers)
      if (!claim) throw new RefusedRequest('unsigned', 'the request is not signed, or its body is not what was signed')
      const owner = await ownerOf(claim.keyid)
      // The same answer for an unknown key and a wrong signature: who is enrolled here is nobody's business.
      if (!owner || !claim.isRight(owner[1])) throw new RefusedRequest('unsigned', 'the signature is not right')
      if (Math.abs(claim.created * 1000 - now) > TOLERANCE) throw late(claim, now)
      const nonce = `${claim.keyid} ${claim.nonce}`
      if (!(await store.useNonce(nonce, claim.created * 1000 + 2 * TOLERANCE)))
        throw new RefusedRequest('replayed', 'this request has been made before')
      return owner[0]
    },
  }
}

const late = ({ created }: Claim, now: number): RefusedRequest => {
  const minutes = Math.round((created * 1000 - now) / 60_000)
  return new RefusedRequest('clock', `the signature's time differs from the server's clock by ${minutes} minutes`)
}
