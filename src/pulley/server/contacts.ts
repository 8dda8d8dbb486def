/** When each node was last heard of: noted in memory at every poll, written many at once. */
import type { Store } from '../store/store.ts'

export class Contacts {
  readonly #store: Store
  #pending = new Map<string, { readonly id: string; readonly at: number; readonly interval: number }>()

  constructor(store: Store) {
    this.#store = store
  }

  record(id: string, at: number, interval: number): void {
    this.#pending.set(id, { id, at, interval })
  }

  /** Writes what was noted since the last time. */
  async flush(): Promise<void> {
    const pending = this.#pending
    if (pending.size === 0) return
    this.#pending = new Map()
    try {
      await this.#store.recordContacts([...pending.values()])
    } catch (thrown) {
      // Kept for the next time; what has been noted since is newer.
      this.#pending = new Map([...pending, ...this.#pending])
      throw thrown
    }
  }
}
