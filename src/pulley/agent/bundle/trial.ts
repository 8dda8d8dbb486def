/**
 * Whether a new bundle has cost the contact to the server: confirm or revert. A server may be away just when a bundle comes,
 * so that one loss is no proof: what was taken back is tried once more, and as long as there is no contact either way, both
 * have their turns, longer each time. Pure.
 */
import type { Progress } from '../state/identity-files.ts'

/** Polls without an answer which end the first turn of a bundle. */
const FAILURES_UNTIL_REVERT = 3
/** After so many doublings turns get no longer. */
const MAX_DOUBLINGS = 6

type TrialProgress = Pick<Progress, 'current' | 'confirmed' | 'reverted' | 'trial'>

export type TrialStep =
  | { readonly kind: 'none' }
  /**
   * `waiting`: not known yet. `confirmed`: there is contact with it. `take-back`: the one before has to be applied again.
   * `again`: it has its turn again, because there was no contact without it either, or for a second look. `condemned`: it was
   * taken back twice, and there was contact without it each time.
   */
  | {
      readonly kind: 'waiting' | 'confirmed' | 'take-back' | 'again' | 'condemned'
      readonly serial: number
      readonly progress: TrialProgress
    }

export const stepTrial = (progress: Progress, contact: boolean): TrialStep => {
  const { trial, current, confirmed, reverted } = progress
  if (!trial) return { kind: 'none' }
  const { serial, stage, suspect, turns } = trial
  const next = { current, confirmed, reverted, trial: undefined }
  const failures = trial.failures + 1
  if (!contact && failures < FAILURES_UNTIL_REVERT * 2 ** Math.min(turns, MAX_DOUBLINGS))
    return { kind: 'waiting', serial, progress: { ...next, trial: { ...trial, failures } } }
  const turn = { serial, failures: 0, suspect, turns: turns + 1 }
  if (stage === 'trying') {
    if (contact) return { kind: 'confirmed', serial, progress: { ...next, confirmed: serial } }
    return {
      ...{ kind: 'take-back', serial },
      progress: { ...next, current: confirmed, trial: { ...turn, stage: 'taken-back', turns } },
    }
  }
  if (!contact)
    return { kind: 'again', serial, progress: { ...next, current: serial, trial: { ...turn, stage: 'trying' } } }
  if (suspect) return { kind: 'condemned', serial, progress: { ...next, reverted: [...reverted, serial] } }
  const second = { ...turn, stage: 'trying', suspect: true, turns: 0 } as const
  return { kind: 'again', serial, progress: { ...next, current: serial, trial: second } }
}
