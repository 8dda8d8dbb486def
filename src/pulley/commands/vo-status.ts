/** How the nodes of a VO are, as data. */
import type { Abortable } from '../../base/abortable.ts'
import type { Administered } from '../client/admin.ts'
import type { Node, StoredBundle } from '../store/store.ts'
import { activeNodes, bundlesOf } from './vo-data.ts'

/** A node which has missed so many polls is silent. */
const MISSED_POLLS = 3

export type Health = 'ok' | 'failed' | 'refused' | 'stale' | 'silent' | 'new' | 'revoked'

/** How a node is, by what it has told and by when it should have. Pure. */
export const healthOf = ({ revoked, lastContact, interval, lastReport, serial }: Node, now: number): Health => {
  if (revoked) return 'revoked'
  if (now - (lastContact ?? 0) > MISSED_POLLS * interval * 1000 + 10_000) return 'silent'
  const kinds = lastReport?.trouble.map(one => one.kind) ?? []
  if (kinds.includes('refused') || kinds.includes('reverted')) return 'refused'
  if (kinds.includes('stale')) return 'stale'
  if (lastReport && lastReport.counts.failed > 0) return 'failed'
  return serial === 0 && !lastReport ? 'new' : 'ok'
}

export interface VoStatus {
  readonly vo: string
  /** The clock by which it is told, milliseconds since 1970. */
  readonly now: number
  /** Those which were not revoked. */
  readonly nodes: readonly Node[]
  readonly byHealth: ReadonlyMap<Health, readonly Node[]>
  /** By the serial of the bundle which each has; 0: none. */
  readonly byBundle: ReadonlyMap<number, readonly Node[]>
  readonly newest: StoredBundle | undefined
  /** Whether nothing needs anybody's attention. */
  readonly isFine: boolean
}

/** Throws what asking the server throws. */
export const voStatus = async (vo: Administered, io: Abortable): Promise<VoStatus> => {
  const nodes = await activeNodes(vo, io)
  const [newest] = await bundlesOf(vo, io)
  const now = Date.now()
  const byHealth = Map.groupBy(nodes, node => healthOf(node, now))
  return {
    ...{ vo: vo.vo, now, nodes, byHealth, newest },
    byBundle: Map.groupBy(nodes, node => node.serial),
    isFine: [...byHealth.keys()].every(health => health === 'ok' || health === 'new'),
  }
}
