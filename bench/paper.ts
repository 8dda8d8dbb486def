/**
 * The measurements of section 6 of "Distributed Management of Virtual Cluster Infrastructures" (Murphy et al.), figures 7 to
 * 11: a command which takes no time and one which sleeps, on 16 and 27 targets, with more and more of them at a time; and what
 * happens when all logins wait for one thing. The commands sleep for a shorter time here, which makes the overhead a larger
 * part of the whole.
 */
import type { Queue, Sweep } from './common/figures.ts'
import { measure } from './common/measure.ts'
import type { Context, Part } from './common/part.ts'
import { lockedKnee, lockedWall } from './paper/lock-model.ts'
import { knee, overheads, type Timed } from './paper/overheads.ts'
import { type SharedKeys, startSharedKeys } from './paper/shared-keys.ts'
import { type Fleet, startTargets } from './push/fleet.ts'
import { median, turns } from './push/rounds.ts'
import type { Work } from './push/work.ts'

/** One line of a plot: the same work, measured at each fanout. */
interface Line {
  readonly fanouts: readonly number[]
  readonly work: Omit<Work, 'fanout'>
}

/** Seconds: what the commands sleep, and for how long a question for keys holds the lock. */
const TIMES = { pause: 0.5, hold: 0.05 } as const

export const paper: Part = async function* (context) {
  const { quick, stoker } = context
  await using fleet = await startTargets({ count: 27 })
  await using shared = await startSharedKeys(27, TIMES.hold)
  const few = quick ? [1, 4, 16] : upTo(16)
  const many = quick ? [1, 6, 27] : [...upTo(8), 10, 14, 20, 27]
  const [rounds, longRounds] = quick ? [1, 1] : [3, 2]
  const hostname = { fleet, command: 'hostname', lines: 1, exchange: 'default' } as const
  const sleep = { fleet, command: `sleep ${TIMES.pause}`, lines: 0, exchange: 'default' } as const
  await measure(stoker.run({ ...hostname, targets: 1, fanout: 1 })) // its code is in the cache from now on

  const short: readonly Line[] = [
    { fanouts: few, work: { ...hostname, targets: 16 } },
    { fanouts: many, work: { ...hostname, targets: 27 } },
  ]
  for (const [index, times] of (await sweep(context, short, rounds)).entries())
    yield sweepOf('hostname', short[index]?.work.targets ?? 0, 0, times)

  const [sixteen = []] = await sweep(context, [{ fanouts: few, work: { ...sleep, targets: 16 } }], rounds)
  yield sweepOf(sleep.command, 16, TIMES.pause, sixteen)

  const before = await shared.asked()
  const long = [fleet, shared.fleet].map((fleet: Fleet) => ({ fanouts: many, work: { ...sleep, fleet, targets: 27 } }))
  const [free = [], locked = []] = await sweep(context, long, longRounds)
  const logins = longRounds * many.length * 27
  yield sweepOf(sleep.command, 27, TIMES.pause, free)
  yield {
    ...sweepOf(sleep.command, 27, TIMES.pause, locked),
    title: `${title(27, sleep.command)}, keys behind a lock`,
    locked: true,
  }
  yield queue(free, locked, await askedPerLogin(shared, before, logins))
}

const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1)

/** The lines in turn at each fanout, up and down by turns; medians. */
const sweep = async (
  { stoker, say }: Context,
  lines: readonly Line[],
  rounds: number,
): Promise<readonly (readonly Timed[])[]> => {
  const walls = lines.map(({ fanouts }) => new Map(fanouts.map(fanout => [fanout, [] as number[]])))
  const fanouts = [...new Set(lines.flatMap(line => line.fanouts))].sort((a, b) => a - b)
  for (let round = 0; round < rounds; round++) {
    say(`${lines.map(({ work }) => title(work.targets, work.command)).join('; ')}: round ${round + 1} of ${rounds}`)
    for (const fanout of round % 2 === 0 ? fanouts : fanouts.toReversed())
      for (const index of turns([...lines.keys()], round)) {
        const taken = walls[index]?.get(fanout)
        if (taken) taken.push((await measure(stoker.run({ ...(lines[index] as Line).work, fanout }))).wall)
      }
  }
  return walls.map(byFanout => [...byFanout].map(([fanout, taken]) => ({ fanout, wall: median(taken) })))
}

const title = (targets: number, command: string): string => `${targets} targets, ${command}, by fanout`

const sweepOf = (command: string, targets: number, pause: number, times: readonly Timed[]): Sweep => ({
  ...{ kind: 'sweep', title: title(targets, command), targets, pause },
  rows: overheads(times, targets, pause),
  locked: false,
})

const askedPerLogin = async (shared: SharedKeys, before: number, logins: number): Promise<number> =>
  ((await shared.asked()) - before) / logins

/** The model is told what one target at a time takes with the lock and without; all else it says by itself. */
const queue = (free: readonly Timed[], locked: readonly Timed[], asked: number): Queue => {
  const targets = 27
  const alone = (times: readonly Timed[]) => (times.find(({ fanout }) => fanout === 1)?.wall ?? Number.NaN) / targets
  const model = { serial: alone(locked) - alone(free), free: alone(free) }
  return {
    kind: 'queue',
    title: `${targets} targets, sleep ${TIMES.pause}: keys of their own, and keys behind one lock`,
    targets,
    pause: TIMES.pause,
    rows: free.map(({ fanout, wall }, index) => ({
      ...{ fanout, free: wall, locked: locked[index]?.wall ?? Number.NaN },
      model: lockedWall(model, targets, fanout),
    })),
    serial: model.serial,
    asked,
    knee: { model: lockedKnee(model), locked: knee(locked), free: knee(free) },
  }
}
