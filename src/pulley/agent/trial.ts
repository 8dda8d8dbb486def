/** Whether a new bundle has cost the contact to the server: confirm or revert. Pure. */
import type { Progress } from './identity.ts'

/** Polls without an answer after which a bundle is taken back, and after which it is found blameless. */
const PATIENCE = 3

type Next = Pick<Progress, 'current' | 'confirmed' | 'reverted' | 'trial'>

export type TrialStep =
  | { readonly kind: 'none' }
  /** `waiting`: not known yet. `confirmed`: there is contact with it. `take-back`: the one before has to be applied again. */
  | { readonly kind: 'waiting' | 'confirmed' | 'take-back'; readonly serial: number; readonly progress: Next }
  /** `condemned`: without it there is contact. `blameless`: without it there is none either. */
  | { readonly kind: 'condemned' | 'blameless'; readonly serial: number; readonly progress: Next }

export const stepTrial = (progress: Progress, contact: boolean): TrialStep => {
  const { trial, current, confirmed, reverted } = progress
  if (!trial) return { kind: 'none' }
  const { serial, stage } = trial
  const next = { current, confirmed, reverted, trial: undefined }
  const failures = trial.failures + 1
  if (stage === 'trying') {
    if (contact) return { kind: 'confirmed', serial, progress: { ...next, confirmed: serial } }
    if (failures < PATIENCE) return { kind: 'waiting', serial, progress: { ...next, trial: { ...trial, failures } } }
    const taken = { serial, stage: 'taken-back', failures: 0 } as const
    return { kind: 'take-back', serial, progress: { ...next, current: confirmed, trial: taken } }
  }
  if (contact) return { kind: 'condemned', serial, progress: { ...next, reverted: [...reverted, serial] } }
  if (failures < PATIENCE) return { kind: 'waiting', serial, progress: { ...next, trial: { ...trial, failures } } }
  return { kind: 'blameless', serial, progress: { ...next, current: serial, confirmed: serial } }
}
