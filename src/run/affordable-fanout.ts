/** How many targets this machine's limit on open files allows at once. */
import { readFileSync } from 'node:fs'

/** Descriptors for what a run holds open besides its targets: standard streams, the agent, files, the event loop's own. */
const RESERVED = 64

/** The limit on open files; Node has raised the soft limit to the hard one at its start. `undefined` where it is not told. */
const openFileLimit = (): number | undefined => {
  try {
    const found = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return found === undefined || found === 'unlimited' ? undefined : Number(found)
  } catch {
    // Only Linux tells it there; elsewhere a refused connection says so in its own words (EMFILE).
    return undefined
  }
}

/** As much of the wanted fanout as the targets need and the open files allow, with so many descriptors a target; at least 1. */
export const affordable = (
  wanted: number,
  targets: number,
  descriptors: number,
  say: (notice: string) => void,
  limit = openFileLimit(),
): number => {
  const useful = Math.max(1, Math.min(wanted, targets))
  if (limit === undefined || descriptors === 0) return useful
  const allowed = Math.max(1, Math.floor((limit - RESERVED) / descriptors))
  if (allowed >= useful) return useful
  say(`${allowed} targets at a time instead of ${wanted}: the limit on open files (ulimit -n) allows no more`)
  return allowed
}
