/** What is measured. */
import type { Fleet } from '../test/fixtures/sshd.ts'
import type { Built } from './build.ts'
import { startTargets } from './fleet.ts'
import { measure, type Program } from './measure.ts'
import { contest, type RoundOptions, type Standing } from './rounds.ts'
import type { Tool, Work } from './tools.ts'

/** The figures of one scenario; times are in seconds. */
export type Figures =
  | { readonly kind: 'contest' | 'start-up'; readonly title: string; readonly standings: readonly Standing[] }
  | { readonly kind: 'sweep'; readonly title: string; readonly rows: readonly SweepRow[] }

export interface SweepRow {
  readonly fanout: number
  readonly wall: number
  /** What it would take if nothing but the command took time. */
  readonly ideal: number
}

type Say = RoundOptions['say']

/** Cold targets and a command which takes no time: what remains is what the tool costs, and the targets' own sshd. */
export const cold = async (
  competitors: readonly Tool[],
  work: Work,
  options: Omit<RoundOptions, 'say'>,
  say: Say,
): Promise<Figures> => {
  const exchange = work.exchange === 'default' ? "each tool's own key exchange" : 'the same key exchange for all'
  const title = `${work.targets} cold targets, ${work.command}, fanout ${work.fanout}, ${exchange}`
  const standings = await contest(
    competitors.map(tool => ({ name: tool.name, program: tool.program(work) })),
    { ...options, say: text => say(`${title}: ${text}`) },
  )
  return { kind: 'contest', title, standings }
}

/** A thousand connections held open at once; one daemon serves them, as that many would not fit the machine. */
export const long = async (
  competitors: readonly Tool[],
  options: Omit<RoundOptions, 'say'>,
  say: Say,
): Promise<Figures> => {
  const count = 1000
  await using fleet = await startTargets({ count, mode: 'shared' })
  const work: Work = { fleet, targets: count, fanout: count, command: 'sleep 10', lines: 0, exchange: 'curve25519' }
  // One process for each target would be another contest.
  const inProcess = competitors.filter(({ name }) => name === 'stoker' || name === 'bare ssh2')
  return await cold(inProcess, work, options, say)
}

/** Whether the window slides as it should. The longest run goes beside the others: it hardly does anything but wait. */
export const sweep = async (stoker: Tool, fleet: Fleet, say: Say): Promise<Figures> => {
  const [targets, pause] = [16, 2]
  const title = `${targets} targets, sleep ${pause}, by fanout`
  say(title)
  const row = async (fanout: number): Promise<SweepRow> => {
    const work = { fleet, targets, fanout, command: `sleep ${pause}`, lines: 0, exchange: 'default' } as const
    const { wall } = await measure(stoker.program(work))
    return { fanout, wall, ideal: Math.ceil(targets / fanout) * pause }
  }
  const longest = row(1)
  const rows: SweepRow[] = []
  for (const fanout of [4, 8, 15, 16]) rows.push(await row(fanout))
  return { kind: 'sweep', title, rows: [await longest, ...rows] }
}

/** What a person waits for before anything happens; the first is the least that a program in Node can take. */
export const startUp = async (
  { stoker, cache }: Built,
  stokerTool: Tool,
  fleet: Fleet,
  rounds: number,
  say: Say,
): Promise<Figures> => {
  const title = 'start-up'
  const [first] = fleet.targets
  const resolve = ['resolve', '--config', fleet.config, first?.name ?? '']
  const one: Work = { fleet, targets: 1, fanout: 1, command: 'echo', lines: 1, exchange: 'default' }
  const node = (...args: string[]): Program => ({
    argv: [process.execPath, ...args],
    env: { XDG_CACHE_HOME: cache },
    lines: 1,
  })
  const standings = await contest(
    [
      { name: 'node -e 0', program: { ...node('-e', '0'), lines: 0 } },
      { name: 'stoker --version', program: node(stoker, '--version') },
      { name: 'stoker nodes -f', program: node(stoker, 'nodes', '-f', 'n1,n2') },
      { name: 'stoker resolve, one target', program: node(stoker, ...resolve) },
      { name: 'stoker run, one target', program: stokerTool.program(one) },
    ],
    { rounds, say: text => say(`${title}: ${text}`) },
  )
  return { kind: 'start-up', title, standings }
}
