/** When a peer which has gone without a word is given up: both kinds of SSH connections take the same answer. Pure. */
import type { HostSettings } from './ssh-config/ssh-config.ts'

export interface KeepAlive {
  /** Seconds of silence before the peer is asked for a sign of life; 0: never. */
  readonly interval: number
  /** How many questions may stay without an answer. */
  readonly maxMissed: number
}

/** OpenSSH's own usual interval is 0: a command which says nothing for hours would wait for a dead machine for ever. */
const DEFAULTS: KeepAlive = { interval: 15, maxMissed: 3 }

/** What ssh_config says (`ServerAliveInterval`, `ServerAliveCountMax`), else our own. */
export const keepAliveOf = ({ serverAliveInterval, serverAliveCountMax }: HostSettings): KeepAlive => ({
  interval: serverAliveInterval ?? DEFAULTS.interval,
  maxMissed: serverAliveCountMax ?? DEFAULTS.maxMissed,
})
