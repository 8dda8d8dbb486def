/** What a person may have meant by a key which is not there. Pure. */
import { nearest } from '../base/nearest.ts'

const MAX_KEYS = 12

/** To stand behind "there is no such key": the nearest key, else the few there are; empty when neither helps. */
export const hintFor = (path: readonly string[], data: unknown): string => {
  let inside = data
  for (const [i, step] of path.entries()) {
    if (typeof inside !== 'object' || inside === null || Array.isArray(inside)) return ''
    if (Object.hasOwn(inside, step)) {
      inside = (inside as Record<string, unknown>)[step]
      continue
    }
    const known = Object.keys(inside)
    const [near] = nearest(step, known, 1)
    if (near !== undefined) return `; did you mean ${[...path.slice(0, i), near, ...path.slice(i + 1)].join('.')}?`
    return known.length > 0 && known.length <= MAX_KEYS ? ` (there is: ${known.join(', ')})` : ''
  }
  return ''
}
