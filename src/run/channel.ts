/** Events from many writers to one reader. */

/** A queue between many writers and one reader; `put` waits while `most` events are unread. */
export const channel = <T>(most: number) => {
  let waiting: T[] = []
  let open = true
  let read = true
  let wakeReader = () => {}
  let wakeWriters: (() => void)[] = []
  return {
    async put(item: T): Promise<void> {
      if (!read) return
      waiting.push(item)
      wakeReader()
      while (read && waiting.length >= most) await new Promise<void>(resolve => wakeWriters.push(resolve))
    },
    close(): void {
      open = false
      wakeReader()
    },
    /** Nobody reads any more: what comes is dropped, and nobody waits. */
    discard(): void {
      read = false
      waiting = []
      for (const wake of wakeWriters) wake()
    },
    async *all(): AsyncGenerator<T, void, void> {
      while (open || waiting.length > 0) {
        const batch = waiting
        waiting = []
        const writers = wakeWriters
        wakeWriters = []
        for (const wake of writers) wake()
        yield* batch
        if (open && waiting.length === 0) {
          await new Promise<void>(resolve => {
            wakeReader = resolve
          })
        }
      }
    },
  }
}
