/** What time it is for whoever must not be fooled: never earlier than the VO's key has signed, whatever a clock says. */
import type { Progress } from './identity.ts'

export const trustedNow = (serverClock: number, { notBefore }: Pick<Progress, 'notBefore'>): number =>
  Math.max(serverClock, notBefore)
