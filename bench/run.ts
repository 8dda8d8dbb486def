/**
 * `npm run bench [-- --quick] [-- --json]`: what a push costs, beside the tools which do the same, on real sshd on this
 * machine. `--quick` leaves out the thousand targets and takes fewer rounds; `--json` prints the figures for programs.
 */
import { parseArgs } from 'node:util'
import { findProgram } from '../test/fixtures/debian.ts'
import { build } from './build.ts'
import { startTargets } from './fleet.ts'
import { type Machine, machine, machineText } from './machine.ts'
import { cold, type Figures, long, startUp, sweep } from './scenarios.ts'
import { multiplesTable, seconds, share, standingsTable, table } from './table.ts'
import { type Tool, tools } from './tools.ts'
import { warm } from './warm.ts'

const figuresText = (figures: Figures): string => {
  switch (figures.kind) {
    case 'contest':
      return `${figures.title}\n${standingsTable(figures.standings)}`
    case 'start-up':
      return `${figures.title}\n${multiplesTable(figures.standings)}`
    case 'sweep': {
      const rows = figures.rows.map(({ fanout, wall, ideal }) => [
        ...[`${fanout}`, seconds(wall), seconds(ideal), seconds(wall - ideal), share(wall / ideal)],
      ])
      return `${figures.title}\n${table([['fanout', 'wall', 'ideal', 'over', 'ratio'], ...rows])}`
    }
    default:
      throw new Error(`unknown figures: ${figures satisfies never}`)
  }
}

/** One scenario after the other; nothing else may run meanwhile. */
async function* measureAll(present: readonly Tool[], built: ReturnType<typeof build>, quick: boolean) {
  const [stoker] = present as readonly [Tool, ...Tool[]]
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  {
    await using fleet = await startTargets({ count: 200 })
    const hostname = { fleet, fanout: 64, command: 'hostname', lines: 1 } as const
    const same = { ...hostname, exchange: 'curve25519' } as const
    const own = { ...hostname, exchange: 'default' } as const
    yield await startUp(built, stoker, fleet, quick ? 7 : 15, say)
    yield await cold(present, { ...same, targets: 16 }, { rounds: quick ? 3 : 7 }, say)
    yield await cold(present, { ...same, targets: 200 }, { rounds: quick ? 2 : 5, memory: true }, say)
    yield await cold(present, { ...own, targets: 16 }, { rounds: quick ? 1 : 5 }, say)
    yield await cold(present, { ...own, targets: 200 }, { rounds: quick ? 1 : 3 }, say)
    yield await sweep(stoker, fleet, say)
    yield await warm(stoker, built, { ...same, targets: 200 }, quick ? 2 : 5, say)
  }
  if (!quick) yield await long(present, { rounds: 1, memory: true }, say)
}

const report = async (quick: boolean, json: boolean): Promise<void> => {
  if (findProgram('sshd') === undefined) throw new Error('there is no sshd here: Debian has it in openssh-server')
  const here: Machine = machine()
  const built = build()
  const { present, missing } = tools(built)
  const print = (text: string) => void process.stdout.write(json ? '' : `${text}\n\n`)
  print(machineText(here))
  if (missing.length > 0) print(`not here, so left out: ${missing.join(', ')} (Debian has pdsh and clustershell)`)
  const all: Figures[] = []
  for await (const figures of measureAll(present, built, quick)) {
    all.push(figures)
    print(figuresText(figures))
  }
  if (json) process.stdout.write(`${JSON.stringify({ machine: here, missing, figures: all }, undefined, 2)}\n`)
}

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'boolean' } } })
await report(values.quick === true, values.json === true)
