/** What a server knows of a VO, as data: for the commands which print it, and whoever else shows it. */
import type { Abortable } from '../../base/abortable.ts'
import type { Administered } from '../client/admin.ts'
import type { Report } from '../protocol/messages.ts'
import type { Action, Node, StoredBundle, Token } from '../store/store.ts'

/** All nodes, those which were revoked as well. */
export const allNodes = async (vo: Administered, io: Abortable): Promise<readonly Node[]> =>
  (await vo.json('GET', '/nodes', undefined, io)) as readonly Node[]

/** The nodes which may ask anything. */
export const activeNodes = async (vo: Administered, io: Abortable): Promise<readonly Node[]> =>
  (await allNodes(vo, io)).filter(node => !node.revoked)

/** The newest first, without their content. */
export const bundlesOf = async (vo: Administered, io: Abortable): Promise<readonly StoredBundle[]> =>
  (await vo.json('GET', '/bundles', undefined, io)) as readonly StoredBundle[]

export const tokensOf = async (vo: Administered, io: Abortable): Promise<readonly Token[]> =>
  (await vo.json('GET', '/tokens', undefined, io)) as readonly Token[]

/** The newest first; `batch`: those which were sent together. */
export const actionsOf = async (
  vo: Administered,
  { limit, batch }: { readonly limit: number; readonly batch?: string },
  io: Abortable,
): Promise<readonly Action[]> => {
  const query = new URLSearchParams({ ...(batch !== undefined && { batch }), limit: String(limit) })
  return (await vo.json('GET', `/actions?${query}`, undefined, io)) as readonly Action[]
}

/** What an action has written so far. */
export const outputOf = async (vo: Administered, action: string, io: Abortable) => {
  const pieces = (await vo.json('GET', `/actions/${action}/output`, undefined, io)) as readonly {
    readonly stream: 'stdout' | 'stderr'
    readonly data: string
  }[]
  return pieces.map(({ stream, data }) => ({ stream, data: Buffer.from(data, 'base64') }))
}

export interface ReceivedReport {
  /** The node's id. */
  readonly node: string
  readonly received: number
  readonly report: Report
}

/** The newest first; `node`: of that id alone. */
export const reportsOf = async (
  vo: Administered,
  { limit, node }: { readonly limit: number; readonly node?: string },
  io: Abortable,
): Promise<readonly ReceivedReport[]> => {
  const query = new URLSearchParams({ limit: String(limit), ...(node !== undefined && { node }) })
  return (await vo.json('GET', `/reports?${query}`, undefined, io)) as readonly ReceivedReport[]
}
