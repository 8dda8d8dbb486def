/** The order in which resources are applied. Pure. */

/** For each item, by its index, the items which must come before it. */
export type Requirements = readonly (readonly number[])[]

/** The first cycle, as the way round: the last item is the first again. `undefined`: there is none. */
export const findCycle = (requirements: Requirements): readonly number[] | undefined => {
  const done = new Set<number>()
  const visit = (item: number, path: readonly number[]): readonly number[] | undefined => {
    if (done.has(item)) return undefined
    const from = path.indexOf(item)
    if (from >= 0) return [...path.slice(from), item]
    for (const before of requirements[item] ?? []) {
      const cycle = visit(before, [...path, item])
      if (cycle) return cycle
    }
    done.add(item)
    return undefined
  }
  for (const item of requirements.keys()) {
    const cycle = visit(item, [])
    if (cycle) return cycle
  }
  return undefined
}

/** The items so that each comes after what it requires, and otherwise as they stand. There must be no cycle. */
export const stableOrder = (requirements: Requirements): readonly number[] => {
  const waitsFor = requirements.map(before => new Set(before).size)
  const followers = requirements.map((): number[] => [])
  for (const [item, before] of requirements.entries()) for (const one of new Set(before)) followers[one]?.push(item)
  const ready = waitsFor.flatMap((count, item) => (count === 0 ? [item] : []))
  const order: number[] = []
  while (ready.length > 0) {
    const item = ready.shift() as number
    order.push(item)
    for (const follower of followers[item] ?? []) {
      waitsFor[follower] = (waitsFor[follower] ?? 0) - 1
      if (waitsFor[follower] === 0) insert(ready, follower)
    }
  }
  return order
}

const insert = (sorted: number[], item: number): void => {
  const at = sorted.findIndex(one => one > item)
  sorted.splice(at < 0 ? sorted.length : at, 0, item)
}
