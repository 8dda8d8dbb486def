/** How much memory a program holds with all the processes which it starts. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** How hard to look: `gently` takes at most a twenty-fifth of a core, as it happens while the time is taken. */
export type Look = 'closely' | 'gently'

/**
 * The most memory that a program and its descendants held at one moment, in bytes, until it is over: the resident set of the
 * program itself, and of its descendants, which share much among each other, their proportional share. Of very many
 * descendants some stand for all. `find` tells the program's process once it is there.
 */
export const peakMemory = async (
  find: () => number | undefined,
  look: Look,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> => {
  let [peak, most, next] = [0, 0, 0]
  while (!signal.aborted) {
    const began = performance.now()
    const root = find()
    const family = root === undefined ? [] : [root, ...descendants(root)]
    const counted = performance.now()
    // What grows is looked at all the same: the peak may be short.
    if (counted >= next || family.length > most * GROWN) {
      peak = Math.max(peak, memoryOf(family))
      most = Math.max(most, family.length)
      next = performance.now() + (performance.now() - counted) * REST[look]
    }
    const pause = Math.max(LOOK_MS, (counted - began) * REST[look])
    await delay(pause, undefined, { signal }).catch(() => {}) // it has ended
  }
  return peak
}

const LOOK_MS = 50
const GROWN = 1.25
const REST: Readonly<Record<Look, number>> = { closely: 1, gently: 24 }

const memoryOf = ([root = 0, ...others]: readonly number[]): number => {
  // The kernel goes through all pages of a process to tell its share, which would take too long for a thousand of them.
  const every = Math.max(1, others.length / SAMPLE)
  const some = Array.from({ length: Math.min(others.length, SAMPLE) }, (_, n) => others[Math.floor(n * every)] ?? 0)
  const shares = some.reduce((sum, pid) => sum + kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss'), 0)
  return (kilobytes(`/proc/${root}/status`, 'VmHWM') + shares * every) * 1024
}

const SAMPLE = 32

const descendants = (root: number): readonly number[] => {
  const found = [root]
  for (const pid of found) found.push(...childrenOf(pid))
  return found.slice(1)
}

/** The process's children; none when it has ended. */
export const childrenOf = (pid: number): readonly number[] =>
  ifThere(() => readdirSync(`/proc/${pid}/task`), []).flatMap(thread =>
    ifThere(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'), '')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  )

const kilobytes = (file: string, key: string): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(ifThere(() => readFileSync(file, 'utf8'), ''))?.[1] ?? 0)

const ifThere = <T>(read: () => T, otherwise: T): T => {
  try {
    return read()
  } catch {
    return otherwise // the process ended meanwhile
  }
}
