/** When each node was last heard of: noted in memory at every poll, written many at once. */
import type { Store } from '../store/store.ts'

export class Contacts {
  readonly #store: Store
  #noted = new Map<string, { readonly id: string; readonly at: number; readonly interval: number }>()

  constructor(store: Store) {
    this.#store = store
  }

  note(id: string, at: number, interval: number): void {
    this.#noted.set(id, { id, at, interval })
  }

  /** Writes what was noted since the last time. */
  async write(): Promise<void> {
    const noted = this.#noted
    if (noted.size === 0) return
    this.#noted = new Map()
    try {
      await this.#store.contacts([...noted.values()])
    } catch (thrown) {
      // Kept for the next time; what has been noted since is newer.
      this.#noted = new Map([...noted, ...this.#noted])
      throw thrown
    }
  }
}
