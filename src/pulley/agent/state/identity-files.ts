/** Who this machine is to its server, and how far it has come: two files of the agent's folder. */
import * as z from 'zod'
import { publicKeyText } from '../../protocol/keys.ts'
import { fingerprint } from '../../protocol/messages.ts'
import { id, nodeName, roleName, time, voName } from '../../protocol/names.ts'

const identity = z.strictObject({
  vo: voName,
  node: id('n'),
  name: nodeName,
  /** As the token gave them; what a bundle says counts before. */
  roles: z.array(roleName),
  servers: z.array(z.string()).min(1),
  /** PEM of the certificates to trust; the system's when it is absent. */
  ca: z.string().optional(),
  /** The VO's key as it was at the enrolment, or as a key before it handed on. Nothing else is obeyed. */
  voKey: publicKeyText,
  /** Keys before it; a bundle in use stays in use when the key is handed on. */
  formerKeys: z.array(publicKeyText),
  signingKey: z.string(),
  sealKey: z.string(),
  fingerprint,
  /** Where to find a token if this machine turns out to be a clone; `undefined`: nowhere. */
  tokenFile: z.string().optional(),
})
export type Identity = z.output<typeof identity>

const progress = z.strictObject({
  /** Counts sessions. */
  turn: z.int().nonnegative(),
  /** The highest serial which was ever seen with a right signature. */
  seen: z.int().nonnegative(),
  /** The bundle in use, and the one which was in use when contact was last sure; 0: none. */
  current: z.int().nonnegative(),
  confirmed: z.int().nonnegative(),
  /**
   * The bundle which is on trial. `taken-back`: contact was lost with it, and the one before is in use again. `failures`:
   * polls without an answer since. `suspect`: it was taken back before, and then there was contact. `turns`: how often it
   * was put in use again without that.
   */
  trial: z
    .strictObject({
      serial: z.int().positive(),
      stage: z.enum(['trying', 'taken-back']),
      failures: z.int().nonnegative(),
      suspect: z.boolean(),
      turns: z.int().nonnegative(),
    })
    .optional(),
  /** Bundles which cost the contact: never again. */
  reverted: z.array(z.int().positive()),
  /** The bundle on which everything was last as it should be: what changes after that has drifted. */
  settled: z.int().nonnegative(),
  /** The latest time that the VO's key has signed: no clock may say that it is earlier. */
  notBefore: time,
})
export type Progress = z.output<typeof progress>

export const IDENTITY = { file: 'identity.json', schema: identity } as const
export const PROGRESS = { file: 'progress.json', schema: progress } as const

export const NO_PROGRESS: Progress = {
  ...{ turn: 0, seen: 0, current: 0, confirmed: 0, reverted: [], settled: 0, notBefore: 0 },
}
