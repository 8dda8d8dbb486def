/**
 * What a server knows by heart, so that a poll which finds nothing new costs no question to the store: for every VO its
 * nodes, the bundle of each, and who has orders waiting. Read anew when the store's revision of the VO has counted up.
 */
import { createHash } from 'node:crypto'
import type { Abortable } from '../../base/abortable.ts'
import type { Node, Store, StoredBundle, Vo } from '../store/store.ts'
import { advance, serialFor } from './waves.ts'

export interface Place {
  readonly vo: string
  readonly node: string
}

interface Known {
  readonly vo: Vo
  readonly nodes: readonly Node[]
  readonly byId: ReadonlyMap<string, Node>
  readonly bundles: readonly StoredBundle[]
  readonly waiting: ReadonlyMap<string, readonly string[]>
  /** By node; made when first asked. */
  readonly tags: Map<string, Standing>
}

/** Where a node stands. */
export interface Standing {
  /** Differs when anything differs that the node would be told. A strong ETag (RFC 9110) with its quotes. */
  readonly etag: string
  readonly serial: number
}

export class World {
  readonly #store: Store
  readonly #known = new Map<string, Known>()
  readonly #revisions = new Map<string, number>()
  readonly #listeners = new Map<string, Set<() => void>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Reads what has changed in the store since the last time, and wakes who waits for it. */
  async refresh(): Promise<void> {
    for (const [vo, revision] of await this.#store.revisions()) {
      if (this.#revisions.get(vo) === revision) continue
      await this.#load(vo)
      this.#revisions.set(vo, revision)
    }
  }

  /** Opens and halts waves by what the nodes have reported. */
  async advance(now: number): Promise<void> {
    for (const { vo, bundles } of [...this.#known.values()]) {
      const running = bundles.filter(one => one.waves.state === 'running')
      if (running.length === 0) continue
      const nodes = (await this.#store.nodes(vo.name)).filter(one => one.revoked === undefined)
      for (const bundle of running) {
        const waves = advance(bundle, nodes, now)
        if (waves !== bundle.waves) await this.#store.setWaves(vo.name, bundle.serial, waves)
      }
    }
    await this.refresh()
  }

  /** `undefined`: there is no such node, or it is out. */
  async standing({ vo, node }: Place): Promise<Standing | undefined> {
    const known = this.#known.get(vo)
    if (!known) return undefined
    const tagged = known.tags.get(node)
    if (tagged) return tagged
    // Who has enrolled since is not among the nodes yet.
    const found = known.byId.get(node) ?? (await this.#store.node(vo, node))
    if (!found || found.revoked !== undefined) return undefined
    const serial = serialFor(found, known.bundles, known.nodes)
    const parts = [serial, known.vo.successions.length, found.roles, known.waiting.get(node) ?? []]
    const etag = `"${createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)}"`
    const standing = { etag, serial }
    known.tags.set(node, standing)
    return standing
  }

  vo(name: string): Vo | undefined {
    return this.#known.get(name)?.vo
  }

  bundle(vo: string, serial: number): StoredBundle | undefined {
    return this.#known.get(vo)?.bundles.find(one => one.serial === serial)
  }

  /** Waits until the node would be told something else than this, at most so many milliseconds. */
  async changed(place: Place, etag: string, milliseconds: number, { signal }: Abortable): Promise<void> {
    const until = performance.now() + milliseconds
    while (!signal.aborted && (await this.standing(place))?.etag === etag) {
      const left = until - performance.now()
      if (left <= 0) return
      await this.#next(place.vo, left, signal)
    }
  }

  #next(vo: string, milliseconds: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const listeners = this.#listeners.get(vo) ?? new Set()
    this.#listeners.set(vo, listeners.add(resolve))
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => resolve(), { once: true })
    return promise.finally(() => {
      clearTimeout(timer)
      listeners.delete(resolve)
    })
  }

  async #load(name: string): Promise<void> {
    const [vo, nodes, bundles, waiting] = await Promise.all([
      this.#store.vo(name),
      this.#store.nodes(name),
      this.#store.bundles(name),
      this.#store.waiting(name, Date.now()),
    ])
    if (!vo) return
    const byId = new Map(nodes.map(node => [node.id, node]))
    this.#known.set(name, { vo, nodes, byId, bundles, waiting, tags: new Map() })
    for (const wake of this.#listeners.get(name) ?? []) wake()
  }
}
