import type { Operator } from './expression.ts'

/** One set operation. The order of `left` is kept, what `right` adds comes after. */
export const combine = <T>(left: ReadonlySet<T>, operator: Operator, right: ReadonlySet<T>): Set<T> => {
  switch (operator) {
    case ',':
      return left.union(right)
    case '!':
      return left.difference(right)
    case '&':
      // Set.prototype.intersection takes the order of the smaller set.
      return new Set(left.values().filter(one => right.has(one)))
    case '^':
      return left.symmetricDifference(right)
    default:
      throw new Error(`unknown operator: ${operator satisfies never}`)
  }
}
