/** Data which is suddenly gone: more likely a fault of its source than what anybody wants. Pure. */
import type { Size } from './result.ts'

export interface Suspicion {
  readonly reason: 'empty' | 'shrunk'
  /** `of 212 hosts there are 3 left`. */
  readonly what: string
}

/**
 * What is wrong with so little data, after so much; `undefined`: nothing. `share` of each may go at once, but never all.
 * `before` is `undefined` for files of which it is not known what was in them.
 */
export const checkShrink = (before: Size | undefined, now: Size, share: number): Suspicion | undefined => {
  if (!before)
    return now.hosts + now.networks === 0
      ? { reason: 'empty', what: 'there is not one host and not one network' }
      : undefined
  for (const what of ['hosts', 'networks'] as const) {
    const [had, has] = [before[what], now[what]]
    if (had > 0 && has === 0) return { reason: 'empty', what: `of ${had} ${what} there is none left` }
    if (had - has > share * had) return { reason: 'shrunk', what: `of ${had} ${what} only ${has} are left` }
  }
  return undefined
}
