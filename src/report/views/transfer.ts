/** How far the files of a run are, all targets together. Pure; the time is handed in. */

import { formatDuration } from '../../base/duration.ts'
import type { Target } from '../../inventory/target.ts'
import { byteText } from '../text/bytes.ts'

export interface Transfer {
  /** So many bytes have gone to or come from the target, of those which have to; milliseconds of any clock. */
  moved(target: Target, bytes: number, of: number, now: number): void
  /** What it has not moved by now, it never will. */
  ended(target: Target): void
  /** Whether there is something under way. */
  readonly active: boolean
  /**
   * `[####----] 1.9 GB of 3.2 GB, 210 MB/s, 6 s left`; the empty text when nothing was ever moved. `complete`: whether all
   * targets have said by now how much it is, so that the end can be estimated.
   */
  describe(complete: (targets: number) => boolean, now: number): string
}

/** How long the past is from which the speed is taken, in milliseconds. */
const SPAN_MS = 5_000
/** Less past than this predicts nothing. */
const MIN_MS = 500
const BAR = 16

export const transfer = (): Transfer => {
  const under = new Map<Target, { readonly bytes: number; readonly of: number }>()
  let past: { readonly at: number; readonly bytes: number }[] = []
  let [bytes, of] = [0, 0]

  const speed = (now: number): number | undefined => {
    past.push({ at: now, bytes })
    // One from before the span stays, so that there is always a whole span to look back on.
    const young = past.findIndex(({ at }) => at > now - SPAN_MS)
    if (young > 1) past = past.slice(young - 1)
    const [first] = past
    if (!first || now - first.at < MIN_MS) return undefined
    return ((bytes - first.bytes) / (now - first.at)) * 1000
  }

  return {
    moved(target, now, whole, at) {
      if (past.length === 0) past.push({ at, bytes: 0 })
      const before = under.get(target) ?? { bytes: 0, of: 0 }
      under.set(target, { bytes: now, of: whole })
      bytes += now - before.bytes
      of += whole - before.of
    },
    ended(target) {
      const known = under.get(target)
      if (!known) return
      under.delete(target)
      of -= known.of - known.bytes
    },
    get active() {
      return under.size > 0
    },
    describe(complete, now) {
      if (past.length === 0) return ''
      const rate = speed(now)
      const pace = rate === undefined || (under.size > 0 && bytes === of) ? '' : `, ${byteText(rate)}/s`
      if (!complete(under.size)) return `${byteText(bytes)}${pace}`
      const filled = of === 0 ? BAR : Math.floor((bytes / of) * BAR)
      const left = rate && bytes < of ? `, ${formatDuration(Math.ceil((of - bytes) / rate) * 1000)} left` : ''
      return `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${byteText(bytes)} of ${byteText(of)}${pace}${left}`
    },
  }
}
