/** How values of different origin compare: a fact is text, a variable may be a number, a literal either. Pure. */

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in'

/** A value which is known; that there is none is known as well, as `undefined`. */
export interface Known {
  readonly value: unknown
}

/** Comparison of two single values. What has no value equals nothing and comes neither before nor after anything. */
export const compare = (operator: Exclude<Comparison, 'in'>, left: unknown, right: unknown): boolean => {
  switch (operator) {
    case '==':
      return isSame(left, right)
    case '!=':
      return !isSame(left, right)
    default: {
      if (!isPlain(left) || !isPlain(right)) return false
      const order = orderOf(left, right)
      if (operator === '<') return order < 0
      if (operator === '<=') return order <= 0
      return operator === '>' ? order > 0 : order >= 0
    }
  }
}

/** Whether the value is one of the list's; what is no list is a list of one. */
export const isAmong = (value: unknown, list: unknown): boolean => [list].flat().some(one => isSame(value, one))

/** Everything but nothing: no value, `false`, 0, an empty text and an empty list are not true. */
export const isTrue = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value))

type Plain = string | number | boolean

const isPlain = (value: unknown): value is Plain => ['string', 'number', 'boolean'].includes(typeof value)

const isSame = (left: unknown, right: unknown): boolean => {
  if (!isPlain(left) || !isPlain(right)) return false
  if (typeof left === 'number' || typeof right === 'number') return numberOf(left) === numberOf(right)
  return String(left) === String(right)
}

/** A number, or what no number equals. */
const numberOf = (value: Plain): number => {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
}

const orderOf = (left: Plain, right: Plain): number => {
  if (typeof left === 'number' && typeof right === 'number') return left - right
  return versionOrder(String(left), String(right))
}

/** The order of versions: runs of digits as numbers, everything else as text. 9.10 comes after 9.9, 1.0-2 after 1.0. */
const versionOrder = (left: string, right: string): number => {
  const [a, b] = [partsOf(left), partsOf(right)]
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]]
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1
    if (x === y) continue
    const [m, n] = [Number(x), Number(y)]
    if (Number.isNaN(m) || Number.isNaN(n)) return x < y ? -1 : 1
    if (m !== n) return m - n
  }
  return 0
}

const partsOf = (version: string): readonly string[] => version.match(/\d+|[^\d.]+/g) ?? []
