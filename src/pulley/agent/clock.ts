/** What time it is for whoever must not be fooled. */
import type { Progress } from './state/identity-files.ts'

/**
 * Milliseconds by which a node's own clock may be ahead. Wrong time zones are within it; a server which tells an old time,
 * so that what has expired is obeyed after all, gains no more than this.
 */
export const MAX_CLOCK_LEAD_MS = 48 * 3_600_000

/** The server's clock, as far as neither the node's own nor what the VO's key has signed speak against it. */
export const trustedNow = (
  serverClock: number,
  { notBefore }: Pick<Progress, 'notBefore'>,
  ownClock: number = Date.now(),
): number => Math.max(serverClock, notBefore, ownClock - MAX_CLOCK_LEAD_MS)
