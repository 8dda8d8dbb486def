/** Where an address lies: in which networks, and in a range or not. Pure. */
import { type AddressNumber, type Block, compareNumbers, contains, type Span } from './address.ts'
import type { Network } from './model.ts'

/** A network with what is needed to look addresses up. */
export interface Placed {
  readonly network: Network
  readonly block: Block
  /** In order, apart from each other. */
  readonly ranges: readonly Span[]
}

/** The networks an address lies in, the narrowest first. They come in the order of `outerOf`. */
export const lookup = (networks: readonly Placed[]): ((number: AddressNumber) => readonly Placed[]) => {
  const outer = outerOf(networks)
  return number => {
    const found: Placed[] = []
    for (let at = lastFrom(networks, one => one.block, number); at >= 0; at = outer[at] as number) {
      const one = networks[at] as Placed
      // The last network of IPv4 comes before all addresses of IPv6.
      if (typeof one.block.from === typeof number && contains(one.block, number)) found.push(one)
    }
    return found
  }
}

/** Whether the address is one of those which the network gives to whoever asks. */
export const isInRange = ({ ranges }: Placed, number: AddressNumber): boolean => {
  const range = ranges[lastFrom(ranges, one => one, number)]
  return range !== undefined && contains(range, number)
}

/**
 * For each of the blocks, which come in order of their first address and the wider one first, the index of the next wider one
 * around it, or -1: blocks of a mask lie side by side or in each other.
 */
export const outerOf = (sorted: readonly { readonly block: Block }[]): readonly number[] => {
  const open: number[] = []
  return sorted.map(({ block }, i) => {
    while (open.length > 0 && !holds((sorted[open.at(-1) as number] as { readonly block: Block }).block, block))
      open.pop()
    const outer = open.at(-1) ?? -1
    open.push(i)
    return outer
  })
}

const holds = (outer: Block, inner: Block): boolean =>
  outer.family === inner.family && contains(outer, inner.from) && contains(outer, inner.to)

/** The index of the last one which begins at or before the number; -1 when there is none. */
const lastFrom = <T>(sorted: readonly T[], spanOf: (one: T) => Span, number: AddressNumber): number => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareNumbers(spanOf(sorted[middle] as T).from, number) <= 0) low = middle + 1
    else high = middle
  }
  return low - 1
}
