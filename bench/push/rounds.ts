/** Several rounds of the same contest, so that what else happens on the machine meets all alike. */
import { type Cost, measure, measureMemory, type Program } from '../common/measure.ts'

export interface Contestant {
  readonly name: string
  readonly program: Program
  /** When it does not take part in all rounds: in how many, the first ones. */
  readonly rounds?: number
  /** `false`: nobody looks at its memory. */
  readonly memory?: false
}

/** Medians over the rounds. */
export interface Standing {
  readonly name: string
  /** Seconds. */
  readonly wall: number
  /** Seconds of user and system time. */
  readonly cpu: number
  /** Bytes; absent where it was not looked at. */
  readonly memory?: number
  /** What the first contestant takes as a share of what this one takes, in the same round. */
  readonly ratio: { readonly wall: number; readonly cpu: number; readonly memory?: number }
}

export interface RoundOptions {
  readonly rounds: number
  /** Whether to look at the memory: in one more round, or meanwhile, where a round takes long. */
  readonly memory?: boolean | 'meanwhile'
  readonly say: (text: string) => void
  /** Told of a contestant which fails; it takes no further part. Without this, a failure is thrown; the first's always. */
  readonly failed?: (name: string, error: Error) => void
}

interface Race {
  readonly contestant: Contestant
  readonly costs: Cost[]
  memory?: number
  out?: true
}

/** All contestants in turn, in each round another one first. */
export const contest = async (
  contestants: readonly Contestant[],
  { rounds, memory = false, say, failed }: RoundOptions,
): Promise<readonly Standing[]> => {
  const races = contestants.map((contestant): Race => ({ contestant, costs: [] }))
  const take = async (race: Race, work: () => Promise<void>): Promise<void> => {
    try {
      if (!race.out) await work()
    } catch (error) {
      if (!failed || race === races[0] || !(error instanceof Error)) throw error
      race.out = true
      failed(race.contestant.name, error)
    }
  }
  const wanted = ({ contestant }: Race) => contestant.memory !== false
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`)
    for (const race of turns(races, round)) {
      const { program, rounds: own = rounds } = race.contestant
      if (round >= own) continue
      await take(race, async () => {
        if (memory === 'meanwhile' && wanted(race)) {
          const cost = await measureMemory(program, 'gently')
          race.costs.push(cost)
          race.memory = Math.max(race.memory ?? 0, cost.memory)
        } else race.costs.push(await measure(program))
      })
    }
  }
  if (memory === true) {
    say('memory')
    for (const race of races.filter(wanted))
      await take(race, async () => {
        race.memory = (await measureMemory(race.contestant.program, 'closely')).memory
      })
  }
  const [first] = races
  return races.filter(({ out }) => !out).map(race => standing(race, first as Race))
}

const standing = ({ contestant, costs, memory }: Race, first: Race): Standing => {
  const share = (key: keyof Cost) => median(costs.map((cost, round) => (first.costs[round] as Cost)[key] / cost[key]))
  return {
    name: contestant.name,
    wall: median(costs.map(({ wall }) => wall)),
    cpu: median(costs.map(({ cpu }) => cpu)),
    ...(memory !== undefined && { memory }),
    ratio: {
      ...{ wall: share('wall'), cpu: share('cpu') },
      ...(memory !== undefined && { memory: (first.memory ?? Number.NaN) / memory }),
    },
  }
}

/** The same ones, in each round another one first. */
export const turns = <T>(values: readonly T[], round: number): readonly T[] => {
  const first = round % Math.max(1, values.length)
  return [...values.slice(first), ...values.slice(0, first)]
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const at = (index: number) => sorted[index] ?? Number.NaN
  return Number.isInteger(middle) ? (at(middle - 1) + at(middle)) / 2 : at(Math.floor(middle))
}
