/**
 * Sessions: after a signed hello a node shows a text for a while, instead of a signature each time. The text tells who and
 * until when, under a MAC which all servers of one store can check; nothing is kept of it.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Store } from '../store/store.ts'
import type { NodeRef } from './snapshot.ts'

export interface Sessions {
  create(node: NodeRef, now: number): { readonly session: string; readonly expires: number }
  /** Whose session it is; `undefined` when it is none, or over. */
  verify(session: string, now: number): NodeRef | undefined
}

/** Milliseconds. */
const LIFETIME_MS = 60 * 60 * 1000
/** Sessions whose MAC has been checked already. */
const MAX_CACHED = 50_000

export const openSessions = async (store: Store): Promise<Sessions> => {
  const secret = Buffer.from(
    await store.sharedSecret('session', () => randomBytes(32).toString('base64url')),
    'base64url',
  )
  const macOf = (text: string): Buffer => createHmac('sha256', secret).update(text).digest()
  const verified = new Map<string, NodeRef & { readonly expires: number }>()
  return {
    create({ vo, node }, now) {
      const expires = now + LIFETIME_MS
      const text = `${vo}.${node}.${expires}.${randomBytes(9).toString('base64url')}`
      return { session: `${text}.${macOf(text).toString('base64url')}`, expires }
    },
    verify(session, now) {
      const cached = verified.get(session)
      if (cached) return cached.expires > now ? cached : undefined
      const end = session.lastIndexOf('.')
      const text = session.slice(0, end)
      const mac = Buffer.from(session.slice(end + 1), 'base64url')
      const right = macOf(text)
      if (mac.length !== right.length || !timingSafeEqual(mac, right)) return undefined
      const [vo = '', node = '', expires] = text.split('.')
      const owner = { vo, node, expires: Number(expires) }
      if (verified.size >= MAX_CACHED) verified.clear()
      verified.set(session, owner)
      return owner.expires > now ? owner : undefined
    },
  }
}
