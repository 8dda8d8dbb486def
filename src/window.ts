/** How many targets this machine's limit on open files allows at once. */
import { readFileSync } from 'node:fs'

/** Descriptors for what a run holds open besides its targets: standard streams, the agent, files, the event loop's own. */
const RESERVED = 64

/** The limit on open files; Node has raised the soft limit to the hard one at its start. `undefined` where it is not told. */
export const openFileLimit = (): number | undefined => {
  try {
    const found = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return found === undefined || found === 'unlimited' ? undefined : Number(found)
  } catch {
    // Only Linux tells it there; elsewhere a refused connection says so in its own words (EMFILE).
    return undefined
  }
}

/** The wanted fanout, or as much of it as `limit` open files allow with so many descriptors a target; at least 1. */
export const affordable = (fanout: number, descriptors: number, limit: number | undefined): number =>
  limit === undefined || descriptors === 0
    ? fanout
    : Math.max(1, Math.min(fanout, Math.floor((limit - RESERVED) / descriptors)))
