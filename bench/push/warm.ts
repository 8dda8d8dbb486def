/** The second command on open connections beside the first on none: `stoker shell` against `stoker run`. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fold } from '../../src/nodeset/fold.ts'
import { type Cost, measure } from '../common/measure.ts'
import type { Part } from '../common/part.ts'
import type { Built } from './build.ts'
import { startTargets } from './fleet.ts'
import { median, type Standing } from './rounds.ts'
import type { Work } from './work.ts'

/** One line after the other in a shell whose connections are open; disposing it ends it. */
interface Shell extends AsyncDisposable {
  /** Runs a line, and waits for what it prints on every target. */
  run(): Promise<Cost>
}

/** Milliseconds between two measurements. */
const SETTLE_MS = 1500

/** In turn. */
export const warm: Part = async function* ({ built, stoker, quick, say }) {
  const count = quick ? 32 : 200
  await using fleet = await startTargets({ count })
  const work = { fleet, targets: count, fanout: 64, command: 'hostname', lines: 1, exchange: 'curve25519' } as const
  const rounds = quick ? 2 : 5
  const title = `${count} targets, ${work.command}, fanout ${work.fanout}: on open connections, and cold`
  await measure(stoker.run(work)) // its code is in the cache from now on
  await using shell = await openShell(built, work)
  const costs: { readonly warm: Cost; readonly cold: Cost }[] = []
  for (let round = 0; round < rounds; round++) {
    say(`${title}: round ${round + 1} of ${rounds}`)
    const cold = await measure(stoker.run(work))
    // The daemons end what the cold run has left to them.
    await setTimeout(SETTLE_MS)
    costs.push({ cold, warm: await shell.run() })
  }
  const standing = (name: string, which: 'warm' | 'cold'): Standing => {
    const middle = (key: keyof Cost) => median(costs.map(cost => cost[which][key]))
    const share = (key: keyof Cost) =>
      median(costs.map(({ warm, ...cost }) => warm[key] / { warm, ...cost }[which][key]))
    return {
      name,
      wall: middle('wall'),
      cpu: middle('cpu'),
      ratio: { wall: share('wall'), cpu: share('cpu') },
    }
  }
  const standings = [standing('open shell', 'warm'), standing('cold run', 'cold')]
  yield { kind: 'contest', title, standings, notes: [`Medians of ${rounds} rounds.`] }
}

const openShell = async ({ stoker, cache }: Built, work: Work): Promise<Shell> => {
  const { fleet, targets, fanout, command } = work
  const names = fold(fleet.targets.slice(0, targets).map(({ name }) => name))
  const words = ['shell', '--config', fleet.config, '-f', `${fanout}`, '-t', '120s', names]
  const child = spawn(process.execPath, [stoker, ...words], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C', XDG_CACHE_HOME: cache, XDG_STATE_HOME: cache },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const run = async (): Promise<Cost> => {
    const [began, before] = [performance.now(), cpuOf(child.pid ?? 0)]
    child.stdin.write(`${command}\n`)
    for (let i = 0; i < targets; i++) if ((await lines.next()).done) throw new Error('the shell ended early')
    return { wall: (performance.now() - began) / 1000, cpu: cpuOf(child.pid ?? 0) - before }
  }
  await run()
  return {
    run,
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await lines.next()
    },
  }
}

/** Seconds of user and system time so far, in steps of 10 ms (Linux: USER_HZ is 100). */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
