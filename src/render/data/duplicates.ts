/** What several things have in common. Pure. */

/** The keys which more than one of the items have, with those items; a key counts once for an item. */
export const duplicates = <T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
): ReadonlyMap<string, readonly T[]> => {
  const first = new Map<string, T>()
  const several = new Map<string, Set<T>>()
  for (const item of items)
    for (const key of keysOf(item)) {
      const before = first.get(key)
      if (before === undefined) first.set(key, item)
      else if (before !== item) {
        const all = several.get(key)
        if (all) all.add(item)
        else several.set(key, new Set([before, item]))
      }
    }
  return new Map([...several].map(([key, all]) => [key, [...all]]))
}
