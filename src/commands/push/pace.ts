/** How a run goes over its targets: what `run`, `apply` and `shell` have in common. */

import type { Defaults } from '../../config/config.ts'
import type { ConnectionKind } from '../../connection/choose.ts'
import type { Schedule } from '../../run/schedule.ts'
import { here } from '../../site/built-in.ts'

/** How targets are reached, and how many at a time; what is absent comes from the configuration. Times are in milliseconds. */
export interface ReachFlags {
  readonly config?: string
  readonly fanout?: number
  readonly connectTimeout?: number
  readonly commandTimeout?: number
  readonly connectRate?: number
  /** Connections in the making at once through one bastion. */
  readonly perBastion?: number
  readonly user?: string
  readonly identity: readonly string[]
  readonly hostKeys?: 'strict' | 'accept-new'
  readonly connection?: ConnectionKind
  /** Lines of ssh_config which come before all that the files say. */
  readonly sshOptions?: readonly string[]
  /** Instead of the ssh_config which the configuration names. */
  readonly sshConfig?: string
}

type Pace = Pick<Schedule, 'fanout' | 'apply' | 'diff' | 'here' | 'connectTimeout' | 'commandTimeout' | 'connectRate'>

/** What the scheduler is to know of the options. */
export const paceOf = async (
  flags: ReachFlags & { readonly check?: boolean; readonly diff?: boolean },
  defaults: Defaults,
): Promise<Pace> => ({
  fanout: flags.fanout ?? defaults.fanout,
  apply: !flags.check,
  diff: flags.diff === true,
  here: await here(),
  connectTimeout: flags.connectTimeout ?? defaults.connectTimeout,
  commandTimeout: flags.commandTimeout ?? defaults.commandTimeout,
  connectRate: flags.connectRate ?? defaults.connectRate,
})
