/** A site at work: each agent on its own connection, in its own slot of the interval, with nothing new to hear. */
import { setTimeout } from 'node:timers/promises'
import { slotOf } from '../../src/pulley/agent/poll-schedule.ts'
import { type Agent, enrolled, greetAll } from './agents.ts'
import { Connection } from './exchange.ts'
import { cpuOf, memoryOf, servePulley } from './server.ts'

export interface Steady {
  readonly agents: number
  /** Seconds. */
  readonly interval: number
  readonly took: number
  readonly polls: number
  readonly failures: number
  /** Of a core, as a share. */
  readonly cpu: number
  /** The server's memory at its highest, in bytes, from its start. */
  readonly memory: number
  /** Seconds from the request to its answer: half of the polls are faster, 99 of 100, and all. */
  readonly latency: { readonly half: number; readonly most: number; readonly all: number }
}

export const steady = async (
  entry: string,
  { agents, interval, rounds }: { readonly agents: number; readonly interval: number; readonly rounds: number },
): Promise<Steady> => {
  const made: Agent[] = []
  await using server = await servePulley(entry, async folder => void made.push(...(await enrolled(folder, agents))))
  const polls = await greetAll(server.port, made)
  const latencies: number[] = []
  let failures = 0
  const before = await cpuOf(server.pid)
  const began = performance.now()
  const until = (milliseconds: number) => setTimeout(Math.max(0, began + milliseconds - performance.now()))
  await Promise.all(
    made.map(async ({ id }, number) => {
      const slot = slotOf(id) * interval * 1000
      await until(slot)
      using connection = await Connection.open(server.port)
      for (let round = 0; round < rounds; round++) {
        await until(slot + round * interval * 1000)
        const asked = performance.now()
        const { status } = await connection.ask(polls[number] as Buffer)
        latencies.push((performance.now() - asked) / 1000)
        if (status !== 304) failures++
      }
      // Its connection stays, as an agent's does.
      await until(rounds * interval * 1000)
    }),
  )
  const took = (performance.now() - began) / 1000
  const cpu = ((await cpuOf(server.pid)) - before) / took
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  const { peak } = await memoryOf(server.pid)
  return {
    ...{ agents, interval, took, polls: latencies.length, failures, cpu, memory: peak },
    latency: { half: at(0.5), most: at(0.99), all: at(1) },
  }
}
