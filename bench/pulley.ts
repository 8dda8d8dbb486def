/**
 * `node bench/pulley.ts [--quick] [--json]`: what a pulley server costs its machine, and an agent its own. The server has one
 * core, the load, whose agents have keys and signatures of their own, the other one. `--quick` takes seconds instead of minutes,
 * to see that it works; `--json` prints the figures for programs.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildAgent } from '../scripts/build.ts'
import { findProgram } from '../test/fixtures/servers/debian.ts'
import { machine, machineText } from './common/machine.ts'
import { megabytes, seconds, share, table } from './common/table.ts'
import { type Arrivals, arrivals } from './pulley/arrivals.ts'
import { type Idle, idle } from './pulley/idle.ts'
import { type Polls, polls } from './pulley/polls.ts'
import { stayAside } from './pulley/server.ts'
import { type Steady, steady } from './pulley/steady.ts'
import { build } from './push/build.ts'

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`
const milliseconds = (value: number): string => `${(value * 1000).toFixed(1)} ms`
const count = (value: number): string => Math.round(value).toLocaleString('en')

const pollsText = (rows: readonly Polls[]): string => {
  const [own, other] = rows
  return table([
    ['unchanged polls', 'a second', 'for a second of CPU', 'bytes'],
    ...rows.map(({ name, rate, perCpu, bytes }) => [name, count(rate), count(perCpu), `${bytes}`]),
    [`${own?.name} / ${other?.name}`, share(other?.ratio.rate), share(other?.ratio.perCpu), ''],
    ['at least, at most', '', '0.20 x', '500'],
  ])
}

const steadyText = ({ agents, interval, took, polls: all, failures, cpu, memory, latency }: Steady): string =>
  table([
    [`${count(agents)} agents every ${interval} s, for ${Math.round(took)} s`, '', 'at most'],
    ['polls, of which failed', `${count(all)}, ${failures}`, '0'],
    ['of one core', percent(cpu), '30 %'],
    ["the server's memory", megabytes(memory), '300 MB'],
    ['half of the polls in', milliseconds(latency.half), ''],
    ['99 of 100 in', milliseconds(latency.most), ''],
    ['all in', milliseconds(latency.all), ''],
  ])

const arrivalsText = ({ machines, failures, why, took, cpu, memory }: Arrivals): string =>
  table([
    [`${count(machines)} machines enrol at once, all of one name`, ''],
    ['failed', `${failures}${why === undefined ? '' : ` (${why})`}`],
    ['until the last has polled', seconds(took)],
    ["the server's CPU", seconds(cpu)],
    ["the server's memory", megabytes(memory)],
  ])

const idleText = ({ standings, resident }: Idle): string =>
  table([
    ['a poll with nothing new', 'wall', 'CPU', 'memory'],
    ...standings.map(({ name, wall, cpu, memory = 0 }) => [name, seconds(wall), seconds(cpu), megabytes(memory)]),
    ['resident agent', '', seconds(resident.cpuPerPoll), megabytes(resident.memory)],
  ])

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'boolean' } } })
const { quick = false, json = false } = values
for (const [program, debianPackage] of [
  ['nginx', 'nginx-light'],
  ['taskset', 'util-linux'],
] as const)
  if (findProgram(program) === undefined)
    throw new Error(`there is no ${program} here: Debian has it in ${debianPackage}`)

const here = machine()
const say = (text: string) => void process.stderr.write(`${text}\n`)
const figures: Record<string, unknown> = {}
const print = (text: string) => void process.stdout.write(json ? '' : `${text}\n\n`)
const take = <T>(name: string, value: T, text: (value: T) => string): void => {
  figures[name] = value
  print(text(value))
}
const { pulley, cache } = await build()
const agent = join(cache, '../pulley-agent.mjs')
await buildAgent(agent)
stayAside()
print(machineText(here))
const pollSize = quick ? { rounds: 2, seconds: 1, agents: 2000 } : { rounds: 7, seconds: 5, agents: 10_000 }
take('polls', await polls(pulley, { ...pollSize, say }), pollsText)
say('a cold start')
take('arrivals', await arrivals(pulley, quick ? 200 : 2000), arrivalsText)
take(
  'idle',
  await idle(pulley, { 'pulley agent --once': pulley, 'its single file': agent }, { rounds: quick ? 2 : 7, say }),
  idleText,
)
say('agents at work: this takes as long as they do')
take(
  'steady',
  await steady(pulley, quick ? { agents: 500, interval: 5, rounds: 2 } : { agents: 10_000, interval: 60, rounds: 2 }),
  steadyText,
)
if (json) process.stdout.write(`${JSON.stringify({ machine: here, figures }, undefined, 2)}\n`)
