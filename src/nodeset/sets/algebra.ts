import { StokerError } from '../../base/errors.ts'
import type { Operator } from '../syntax/expression.ts'
import { MAX_NAMES } from '../syntax/limits.ts'

/** One set operation. The order of `left` is kept, what `right` adds comes after. */
export const combine = <T>(left: ReadonlySet<T>, operator: Operator, right: ReadonlySet<T>): ReadonlySet<T> => {
  switch (operator) {
    case ',':
      if (left.size === 0 || right.size === 0) return left.size === 0 ? right : left
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

/** The set itself; throws `EXPRESSION` when it holds more than a million. */
export const limited = <T>(set: ReadonlySet<T>): ReadonlySet<T> => {
  if (set.size <= MAX_NAMES) return set
  throw new StokerError('EXPRESSION', String(set.size), `more than ${MAX_NAMES} names in one set`)
}
