/** Polls without news, as many as a core answers, beside a web server which answers 304 for a file. */
import { median } from '../push/rounds.ts'
import { enrolled, greetAll } from './agents.ts'
import { requestOf } from './exchange.ts'
import { cpuOf, type Served, serveNginx, servePulley } from './server.ts'
import { storm } from './storm.ts'

/** Medians over the rounds. */
export interface Polls {
  readonly name: string
  /** Answers a second of wall time, and of the server's CPU: the second tells more where the machine does other work. */
  readonly rate: number
  readonly perCpu: number
  /** Of one request with its answer, headers included. */
  readonly bytes: number
  /** The first one's as a share of this one's, in the same round. */
  readonly ratio: { readonly rate: number; readonly perCpu: number }
}

export interface PollsOptions {
  readonly rounds: number
  readonly seconds: number
  readonly agents: number
  readonly say: (text: string) => void
}

/** Both in turn, in each round the other one first. */
export const polls = async (
  entry: string,
  { rounds, seconds, agents, say }: PollsOptions,
): Promise<readonly Polls[]> => {
  await using nginx = await serveNginx()
  const { headers } = await fetch(`http://127.0.0.1:${nginx.port}/v1/poll`)
  const file = requestOf('GET', '/v1/poll', { 'if-none-match': headers.get('etag') ?? '' })
  const made: Awaited<ReturnType<typeof enrolled>>[number][] = []
  const fill = async (folder: string) => void made.push(...(await enrolled(folder, agents)))
  await using pulley = await servePulley(entry, fill)
  const sides: readonly (readonly [string, Served, readonly Buffer[]])[] = [
    ['pulley serve', pulley, await greetAll(pulley.port, made)],
    ['nginx, a file', nginx, new Array<Buffer>(CONNECTIONS).fill(file)],
  ]
  const measured = sides.map((): { rate: number; perCpu: number; bytes: number }[] => [])
  for (let round = 0; round < rounds; round++) {
    say(`polls: round ${round + 1} of ${rounds}`)
    for (const turn of [round % 2, (round + 1) % 2]) {
      const [, { pid, port }, requests] = sides[turn] as (typeof sides)[number]
      measured[turn]?.push(await storm(port, requests, { connections: CONNECTIONS, seconds, cpu: () => cpuOf(pid) }))
    }
  }
  const [first = []] = measured
  return sides.map(([name], index) => {
    const own = measured[index] ?? []
    const of = (key: 'rate' | 'perCpu' | 'bytes') => median(own.map(one => one[key]))
    const ratio = (key: 'rate' | 'perCpu') => median(own.map((one, round) => (first[round]?.[key] ?? 0) / one[key]))
    return {
      ...{ name, rate: of('rate'), perCpu: of('perCpu'), bytes: of('bytes') },
      ratio: { rate: ratio('rate'), perCpu: ratio('perCpu') },
    }
  })
}

const CONNECTIONS = 50
