/**
 * What a sweep over the fanout tells. The terms are those of section 6 of "Distributed Management of Virtual Cluster
 * Infrastructures" (Murphy et al.), figures 8 to 11.
 */

/** How long the same work took, with so many targets at a time. */
export interface Timed {
  readonly fanout: number
  /** Seconds. */
  readonly wall: number
}

export interface Overhead extends Timed {
  /** Seconds it would take if nothing but the command took time: the window is filled so many times. */
  readonly ideal: number
  /** What it took more, in seconds. */
  readonly absolute: number
  /** The same as a share of the largest of all fanouts. */
  readonly normalised: number
  /** The same as a share of the wall time. */
  readonly relative: number
}

/** `pause`: the seconds which the command takes on each target. */
export const overheads = (times: readonly Timed[], targets: number, pause: number): readonly Overhead[] => {
  const absolutes = times.map(({ fanout, wall }) => wall - idealWall(targets, fanout, pause))
  const largest = Math.max(...absolutes)
  return times.map(({ fanout, wall }, index) => {
    const absolute = absolutes[index] as number
    const ideal = idealWall(targets, fanout, pause)
    return { fanout, wall, ideal, absolute, normalised: absolute / largest, relative: absolute / wall }
  })
}

const idealWall = (targets: number, fanout: number, pause: number): number => Math.ceil(targets / fanout) * pause

/** The smallest fanout from which on more at a time gains less than a twentieth of the wall time. */
export const knee = (times: readonly Timed[]): number => {
  const sorted = times.toSorted((a, b) => a.fanout - b.fanout)
  const enough = Math.min(...sorted.map(({ wall }) => wall)) * 1.05
  return sorted.find(({ wall }) => wall <= enough)?.fanout ?? Number.NaN
}
