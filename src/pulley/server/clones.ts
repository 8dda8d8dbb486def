/** Where a node is told to be a clone: it shows the identity of a node, and the fingerprint of another machine. */
import { isClone } from '../protocol/clones.ts'
import type { Fingerprint } from '../protocol/messages.ts'
import type { Node, Store, Time } from '../store/store.ts'

/** Counts a clone in the store, where administrators see it. The node stays what it was: a clone never takes over. */
export const detectClone = async (
  store: Pick<Store, 'recordClone'>,
  node: Pick<Node, 'id' | 'fingerprint'>,
  shown: Fingerprint,
  now: Time,
): Promise<boolean> => {
  if (!isClone(node.fingerprint, shown)) return false
  await store.recordClone(node.id, now)
  return true
}
