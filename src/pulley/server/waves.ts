/** Which bundle a node shall have, and when the next of a VO's nodes get a new one. Pure. */
import { createHash } from 'node:crypto'
import type { Node, StoredBundle, Time, Waves } from '../store/store.ts'

/** What counts of a node here. */
export type Member = Pick<Node, 'id' | 'enrolled' | 'revoked' | 'serial'>

/**
 * The serial for a node, 0 for none. A new bundle reaches the nodes in steps, in an order of its own which stays the same;
 * who joins later gets the newest bundle that has reached all. `bundles`: the newest first.
 */
export const serialFor = (node: Member, bundles: readonly StoredBundle[], all: readonly Member[]): number => {
  for (const bundle of bundles) {
    const { state } = bundle.waves
    if (state === 'done') return bundle.serial
    // Who has it keeps it: there is no way back to a lower serial.
    if (node.serial >= bundle.serial) return bundle.serial
    if (state === 'running' && node.enrolled <= bundle.created && nodesInOpenSteps(bundle, all).has(node.id))
      return bundle.serial
  }
  return 0
}

/** The nodes in the steps of a bundle which are open. */
export const nodesInOpenSteps = (bundle: StoredBundle, all: readonly Member[]): ReadonlySet<string> => {
  const order = inOrder(bundle, all)
  const step = bundle.waves.steps[Math.min(bundle.waves.open, bundle.waves.steps.length - 1)]
  return new Set(order.slice(0, step === undefined ? order.length : sizeOf(step, order.length)))
}

type Step = Waves['steps'][number]

const sizeOf = (step: Step, count: number): number =>
  'nodes' in step ? Math.min(step.nodes, count) : Math.ceil(step.share * count)

/** Kept for each bundle, because it is asked for each node. */
const orderCache = new WeakMap<readonly Member[], Map<string, readonly string[]>>()

const inOrder = ({ vo, serial, created }: StoredBundle, all: readonly Member[]): readonly string[] => {
  const cached = orderCache.get(all) ?? new Map<string, readonly string[]>()
  orderCache.set(all, cached)
  const name = `${vo} ${serial}`
  const rankOf = (id: string) => createHash('sha256').update(`${name} ${id}`).digest('hex')
  const order =
    cached.get(name) ??
    all
      .filter(one => one.enrolled <= created && one.revoked === undefined)
      .map(({ id }) => ({ id, rank: rankOf(id) }))
      .sort((a, b) => (a.rank < b.rank ? -1 : 1))
      .map(({ id }) => id)
  cached.set(name, order)
  return order
}

/** What the waves look at of a node before they go on. */
export type WaveNode = Member & Pick<Node, 'name' | 'lastContact' | 'interval' | 'lastReport'>

/**
 * The waves after a look at the nodes of the open step, the same object when there is nothing new. The next step opens when
 * every node which polls has converged on the bundle and has polled since; too many failures halt it.
 */
export const advance = (bundle: StoredBundle, all: readonly WaveNode[], now: Time): Waves => {
  const { waves } = bundle
  if (waves.state !== 'running') return waves
  const ids = nodesInOpenSteps(bundle, all)
  const nodes = all.filter(one => ids.has(one.id))
  // Who was silent before it was this step's turn tells nothing about the bundle.
  const polling = nodes.filter(
    one =>
      one.serial >= bundle.serial ||
      (one.lastContact ?? 0) >= waves.since - SILENT_AFTER_INTERVALS * one.interval * 1000,
  )
  if (nodes.length > 0 && polling.length === 0) {
    const why = 'no node of this step polls; finish the waves by hand, or wait'
    return waves.why === why ? waves : { ...waves, why }
  }
  const failed = polling.filter(one => hasFailed(one, bundle.serial, now))
  if (failed.length > allowedFailures(waves, polling.length)) {
    const names = failed
      .slice(0, 5)
      .map(one => one.name)
      .join(', ')
    return { ...waves, state: 'halted', why: `${failed.length} of ${polling.length} nodes failed: ${names}` }
  }
  const converged = polling.filter(one => hasConverged(one, bundle.serial))
  if (converged.length + failed.length < polling.length) return waves
  const open = waves.open + 1
  return { ...waves, open, since: now, why: undefined, state: open >= waves.steps.length ? 'done' : 'running' }
}

const allowedFailures = ({ maxFail }: Waves, polling: number): number =>
  typeof maxFail === 'number' ? maxFail * polling : maxFail.nodes

/** So many intervals without a poll, and a node counts as silent. */
const SILENT_AFTER_INTERVALS = 3

const hasConverged = ({ lastReport, lastContact }: WaveNode, serial: number): boolean =>
  lastReport?.serial === serial &&
  lastReport.counts.failed === 0 &&
  lastReport.trouble.length === 0 &&
  // It still polls after the change: the contact was not lost with it.
  (lastContact ?? 0) > lastReport.at

const hasFailed = ({ lastReport, lastContact, interval }: WaveNode, serial: number, now: Time): boolean => {
  if (lastReport?.serial === serial && lastReport.counts.failed > 0) return true
  if (lastReport?.trouble.some(one => one.serial === serial && one.kind !== 'stale')) return true
  return now - (lastContact ?? 0) > SILENT_AFTER_INTERVALS * interval * 1000 + 10_000
}
