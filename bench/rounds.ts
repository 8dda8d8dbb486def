/** Several rounds of the same contest, so that what else happens on the machine meets all alike. */
import { type Cost, measure, type Program, peakMemory } from './measure.ts'

export interface Contestant {
  readonly name: string
  readonly program: Program
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
  /** Whether to have one more round for the memory. */
  readonly memory?: boolean
  readonly say: (text: string) => void
}

/** All contestants in turn, in each round another one first. */
export const contest = async (
  contestants: readonly Contestant[],
  { rounds, memory = false, say }: RoundOptions,
): Promise<readonly Standing[]> => {
  const costs = contestants.map((): Cost[] => [])
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`)
    for (const index of turns(contestants.length, round)) {
      costs[index]?.push(await measure((contestants[index] as Contestant).program))
    }
  }
  const peaks: number[] = []
  if (memory) say('memory')
  if (memory) for (const { program } of contestants) peaks.push(await peakMemory(program))
  const [first = []] = costs
  return contestants.map(({ name }, index) => {
    const own = costs[index] ?? []
    const share = (key: keyof Cost) => median(own.map((cost, round) => (first[round] as Cost)[key] / cost[key]))
    const peak = peaks[index]
    return {
      name,
      wall: median(own.map(({ wall }) => wall)),
      cpu: median(own.map(({ cpu }) => cpu)),
      ...(peak !== undefined && { memory: peak }),
      ratio: {
        ...{ wall: share('wall'), cpu: share('cpu') },
        ...(peak !== undefined && { memory: (peaks[0] ?? Number.NaN) / peak }),
      },
    }
  })
}

const turns = (count: number, round: number): readonly number[] =>
  Array.from({ length: count }, (_, turn) => (turn + round) % count)

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const at = (index: number) => sorted[index] ?? Number.NaN
  return Number.isInteger(middle) ? (at(middle - 1) + at(middle)) / 2 : at(Math.floor(middle))
}
