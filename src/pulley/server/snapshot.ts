/**
 * A copy of the store in the server's memory, so that a poll which finds nothing new costs no query: for every VO its nodes,
 * the bundle of each, and which have pending actions. Read anew when the store's revision of the VO has counted up.
 */
import { createHash } from 'node:crypto'
import type { Abortable } from '../../base/abortable.ts'
import type { Node, Store, StoredBundle, Vo } from '../store/store.ts'
import { advance, serialFor } from './waves.ts'

export interface NodeRef {
  readonly vo: string
  readonly node: string
}

interface VoSnapshot {
  readonly vo: Vo
  readonly nodes: readonly Node[]
  readonly byId: ReadonlyMap<string, Node>
  readonly bundles: readonly StoredBundle[]
  readonly pending: ReadonlyMap<string, readonly string[]>
  /** By node; computed at its first poll. */
  readonly pollStates: Map<string, PollState>
}

/** What a poll of a node would be answered with. */
export interface PollState {
  /** Differs when anything in the answer differs. A strong ETag (RFC 9110) with its quotes. */
  readonly etag: string
  /** The bundle which the node shall have; 0: none. */
  readonly serial: number
}

export class ServerSnapshot {
  readonly #store: Store
  readonly #vos = new Map<string, VoSnapshot>()
  readonly #revisions = new Map<string, number>()
  readonly #listeners = new Map<string, Set<() => void>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Reads what has changed in the store since the last time, and wakes the polls which wait for it. */
  async refresh(): Promise<void> {
    for (const [vo, revision] of await this.#store.revisions()) {
      if (this.#revisions.get(vo) === revision) continue
      await this.#load(vo)
      this.#revisions.set(vo, revision)
    }
  }

  /** Opens and halts waves by what the nodes have reported. */
  async advance(now: number): Promise<void> {
    for (const { vo, bundles } of [...this.#vos.values()]) {
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

  /** `undefined`: there is no such node, or it has been revoked. */
  async pollState({ vo, node }: NodeRef): Promise<PollState | undefined> {
    const copy = this.#vos.get(vo)
    if (!copy) return undefined
    const cached = copy.pollStates.get(node)
    if (cached) return cached
    // A node which has enrolled since the copy was made is not in it yet.
    const found = copy.byId.get(node) ?? (await this.#store.node(vo, node))
    if (!found || found.revoked !== undefined) return undefined
    const serial = serialFor(found, copy.bundles, copy.nodes)
    const parts = [serial, copy.vo.successions.length, found.roles, copy.pending.get(node) ?? []]
    const etag = `"${createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)}"`
    const state = { etag, serial }
    copy.pollStates.set(node, state)
    return state
  }

  vo(name: string): Vo | undefined {
    return this.#vos.get(name)?.vo
  }

  bundle(vo: string, serial: number): StoredBundle | undefined {
    return this.#vos.get(vo)?.bundles.find(one => one.serial === serial)
  }

  /** Waits until the node's state has another ETag than this, at most so many milliseconds. */
  async waitForChange(node: NodeRef, etag: string, milliseconds: number, { signal }: Abortable): Promise<void> {
    const until = performance.now() + milliseconds
    while (!signal.aborted && (await this.pollState(node))?.etag === etag) {
      const left = until - performance.now()
      if (left <= 0) return
      await this.#nextRefresh(node.vo, left, signal)
    }
  }

  #nextRefresh(vo: string, milliseconds: number, signal: AbortSignal): Promise<void> {
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
    const [vo, nodes, bundles, pending] = await Promise.all([
      this.#store.vo(name),
      this.#store.nodes(name),
      this.#store.bundles(name),
      this.#store.pendingActions(name, Date.now()),
    ])
    if (!vo) return
    const byId = new Map(nodes.map(node => [node.id, node]))
    this.#vos.set(name, { vo, nodes, byId, bundles, pending, pollStates: new Map() })
    for (const wake of this.#listeners.get(name) ?? []) wake()
  }
}
