/** How an order ended, as the server is told: within the bounds of the protocol. Pure but for the time. */
import type { Outcome } from '../../../run/outcome.ts'
import { MAX_MESSAGE, MAX_SIGNAL } from '../../protocol/limits.ts'
import type { ActionReport } from '../../protocol/messages.ts'

export const actionReport = (outcome: Outcome): ActionReport => {
  const at = Date.now()
  switch (outcome.kind) {
    case 'ok':
      return {
        ...{ state: 'done', at, changed: outcome.changed, exitCode: 0 },
        ...(outcome.detail && { message: fitting(outcome.detail) }),
      }
    case 'failed':
      return {
        ...{ state: 'failed', at, message: fitting(outcome.error.message) },
        ...(outcome.exitCode !== undefined && { exitCode: outcome.exitCode }),
        ...(outcome.signal !== undefined && { signal: outcome.signal.slice(0, MAX_SIGNAL) }),
      }
    case 'cancelled':
    case 'not-started':
      return { state: 'cancelled', at }
    default:
      return { state: 'failed', at, message: fitting(outcome.error.message) }
  }
}

/** As much of a message as a report takes. */
export const fitting = (message: string): string => message.slice(0, MAX_MESSAGE)
