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
    if (state === 'running' && nodesInOpenSteps(bundle, all).has(node.id)) return bundle.serial
  }
  return 0
}

/** The nodes in the steps of a bundle which are open: of those only which were there when it was published. */
export const nodesInOpenSteps = (bundle: StoredBundle, all: readonly Member[]): ReadonlySet<string> => {
  const order = inOrder(bundle, all)
  const step = bundle.waves.steps[bundle.waves.open]
  return new Set(order.slice(0, step && sizeOf(step, order.length)))
}

const sizeOf = (step: Waves['steps'][number], count: number): number =>
  'nodes' in step ? step.nodes : Math.ceil(step.share * count)

/** Kept for each bundle, because it is asked for each node. */
const orderCache = new WeakMap<readonly Member[], Map<string, readonly string[]>>()

const inOrder = ({ vo, serial, created }: StoredBundle, all: readonly Member[]): readonly string[] => {
  const cached = orderCache.get(all) ?? new Map<string, readonly string[]>()
  orderCache.set(all, cached)
  const name = `${vo} ${serial}`
  const rankOf = (id: string) => createHash('sha256').update(`${name} ${id}`).digest('hex')
  const ranked = () =>
    all
      .filter(one => one.enrolled <= created && one.revoked === undefined)
      .map(({ id }) => [rankOf(id), id] as const)
      .sort()
  const order = cached.get(name) ?? ranked().map(([, id]) => id)
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
  const polling = nodes.filter(one => one.serial >= bundle.serial || !isSilent(one, waves.since))
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

/** So many intervals and milliseconds without a poll, and a node counts as silent. */
const SILENT_AFTER_INTERVALS = 3
const SILENT_AFTER_MS = 10_000

const isSilent = (node: WaveNode, at: Time): boolean =>
  at - lastContactOf(node) > SILENT_AFTER_INTERVALS * node.interval * 1000 + SILENT_AFTER_MS

const lastContactOf = ({ lastContact }: WaveNode): Time => lastContact ?? Number.NEGATIVE_INFINITY

const hasConverged = (node: WaveNode, serial: number): boolean => {
  const { lastReport } = node
  return (
    lastReport?.serial === serial &&
    lastReport.counts.failed === 0 &&
    lastReport.trouble.length === 0 &&
    // It still polls after the change: the contact was not lost with it.
    lastContactOf(node) > lastReport.at
  )
}

const hasFailed = (node: WaveNode, serial: number, now: Time): boolean => {
  const { lastReport } = node
  if (lastReport?.serial === serial && lastReport.counts.failed > 0) return true
  if (lastReport?.trouble.some(one => one.serial === serial && one.kind !== 'stale')) return true
  return isSilent(node, now)
}
