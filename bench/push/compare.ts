/** The tools against each other: the same command on the same targets, so many at a time. */
import type { Contest } from '../common/figures.ts'
import type { Context, Part } from '../common/part.ts'
import { startTargets } from './fleet.ts'
import { type Contestant, contest, type RoundOptions } from './rounds.ts'
import type { Tool, Work } from './work.ts'

/** What is to be done, by which tools, and how often. */
interface Match {
  readonly work: Omit<Work, 'exchange'>
  readonly tools: readonly Tool[]
  readonly rounds: number
  /** In how many rounds the slow ones take part: Ansible, and whoever uses OpenSSH's own key exchange. */
  readonly slowRounds: number
  /** Whether one tool stands for all which start the same ssh, when it uses its own key exchange. */
  readonly oneForAll?: true
  readonly memory: NonNullable<RoundOptions['memory']>
}

/** Sixteen targets and two hundred, each with an sshd of its own: a command which takes no time, and one which does. */
export const compare: Part = async function* (context) {
  const { quick, tools } = context
  const many = quick ? 32 : 200
  await using fleet = await startTargets({ count: many })
  const able = await warmUp(context, fleet)
  const hostname = { fleet, command: 'hostname', lines: 1, fanout: 64 }
  const sleep = { fleet, command: quick ? 'sleep 1' : 'sleep 10', lines: 0 }
  const [rounds, slowRounds] = quick ? [2, 1] : [5, 2]
  yield await match(context, {
    ...{ work: { ...hostname, targets: 16 }, tools: able, rounds, slowRounds, memory: true },
  })
  yield await match(context, {
    ...{ work: { ...hostname, targets: many }, tools: able, rounds: quick ? 1 : 4, slowRounds: 1, memory: true },
  })
  for (const targets of [16, many]) {
    yield await match(context, {
      ...{ work: { ...sleep, targets, fanout: targets }, rounds: 1, slowRounds: 1, memory: 'meanwhile' },
      // What it adds is seen above; here it would take the time of a round.
      tools: able.filter(({ name }) => name !== 'bare ssh2' || tools.length === 2),
      oneForAll: true,
    })
  }
}

/** A thousand targets, which are the addresses of one daemon, as that many would not fit the machine. */
export const thousand: Part = async function* (context) {
  const count = context.quick ? 48 : 1000
  await using fleet = await startTargets({ count, mode: 'shared' })
  const able = await warmUp(context, fleet)
  const common = { rounds: 1, slowRounds: 1, oneForAll: true, tools: able, memory: 'meanwhile' } as const
  yield await match(context, {
    ...{ ...common, work: { fleet, targets: count, fanout: 64, command: 'hostname', lines: 1 } },
  })
  const command = context.quick ? 'sleep 1' : 'sleep 10'
  yield await match(context, { ...common, work: { fleet, targets: count, fanout: count, command, lines: 0 } })
}

/** Each on one target, so that nobody reads from the disk what another has already read; those which can do it. */
const warmUp = async ({ tools, say }: Context, fleet: Work['fleet']): Promise<readonly Tool[]> => {
  const work = { fleet, targets: 1, fanout: 1, command: 'hostname', lines: 1, exchange: 'curve25519' } as const
  const out = new Set<string>()
  const contestants = tools.map(tool => ({ name: tool.name, program: tool.run(work) }))
  const failed = (name: string, error: Error) => {
    say(`${name} cannot do it: ${error.message}`)
    out.add(name)
  }
  await contest(contestants, { rounds: 1, say: () => say('each once, unmeasured'), failed })
  return tools.filter(({ name }) => !out.has(name))
}

const match = async (
  { say }: Context,
  { work, tools, rounds, slowRounds, oneForAll, memory }: Match,
): Promise<Contest> => {
  const title = `${work.targets} cold targets, ${work.command}, fanout ${work.fanout}`
  const notes: string[] = []
  const fitting = tools.filter(({ name, limit }) => {
    const fits = limit === undefined || work.targets <= limit.targets
    if (!fits) notes.push(`Left out: ${name}, above ${limit.targets} targets, as ${limit.why}.`)
    return fits
  })
  const same = fitting.map(
    (tool): Contestant => ({
      name: tool.name,
      program: tool.run({ ...work, exchange: 'curve25519' }),
      ...(tool.name === 'ansible' && { rounds: slowRounds }),
    }),
  )
  const others = fitting.filter(({ exchanges }) => exchanges.includes('default'))
  const own = (oneForAll ? others.slice(0, 1) : others).map(
    (tool): Contestant => ({
      name: `${tool.name}, own exchange`,
      program: tool.run({ ...work, exchange: 'default' }),
      rounds: slowRounds,
      memory: false,
    }),
  )
  const [speaker, ...silent] = oneForAll ? others.map(({ name }) => name) : []
  if (silent.length > 0)
    notes.push(`With its own key exchange ${speaker} speaks for ${silent.join(' and ')}, which start the same ssh.`)
  notes.push(`${count(rounds)}${memory === 'meanwhile' ? ', with a look at the memory from time to time' : ''}.`)
  const failed = (name: string, error: Error) => notes.push(`Failed: ${name}: ${error.message.split('\n')[0]}`)
  const standings = await contest([...same, ...own], { rounds, memory, failed, say: text => say(`${title}: ${text}`) })
  return { kind: 'contest', title, standings, notes }
}

const count = (rounds: number): string => (rounds === 1 ? 'One round' : `Medians of ${rounds} rounds`)
