/** Flags of other tools which mean nothing here: told, and never just passed over. */
import { StokerError } from '../../base/errors.ts'

/** The error, which names what to do instead; exit code 2. */
export const noMeaning = (tool: string, flag: string, instead: string): StokerError =>
  new StokerError('USAGE', tool, `${tool}: ${flag} has no meaning here: ${instead}`)
