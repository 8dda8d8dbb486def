/** `pulley agent`: polls and converges, resident or once. */
import type { Abortable } from '../../abortable.ts'
import { here, onThisMachine } from '../../built-in.ts'
import { StokerError } from '../../errors.ts'
import type { Output } from '../../event.ts'
import { sourcesIn } from '../../materials.ts'
import { parseNodeName } from '../../names.ts'
import type { Outcome } from '../../outcome.ts'
import { schedule } from '../../schedule.ts'
import type { Target } from '../../target.ts'
import { PulleyAgent } from '../agent/agent.ts'
import { Folder } from '../agent/folder.ts'
import { holdLock } from '../agent/lock.ts'
import type { Perform } from '../agent/orders.ts'
import { identityOf } from '../agent/standing.ts'

export interface AgentFlags {
  readonly state: string
  readonly once: boolean
  /** Seconds for which a poll may wait for news. */
  readonly wait: number
}

export const agentCommand = async (flags: AgentFlags, io: Abortable): Promise<number> => {
  const folder = new Folder(flags.state)
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const { name } = await identityOf(folder)
  await using _lock = await holdLock(flags.state)
  const machine = await onThisMachine()
  const self: Target = {
    ...{ name: parseNodeName(name), names: [name], addresses: [], port: undefined, user: undefined },
    ...{ macs: [], vars: {}, via: [] },
  }
  await using agent = await PulleyAgent.open({
    ...{ folder, actors: machine, wait: flags.wait, say },
    connect: () => machine.connector.connect(self, io),
    perform: performing(machine, self, await here()),
  })
  if (flags.once) return (await agent.once(io)) ? 0 : 4
  await agent.run(io).catch(thrown => {
    if (!io.signal.aborted) throw thrown
  })
  return 0
}

/** An order is a run on one target: time limits, ends and all else are the core's. */
const performing = (
  machine: Awaited<ReturnType<typeof onThisMachine>>,
  self: Target,
  local: Awaited<ReturnType<typeof here>>,
): Perform =>
  async function* (actorName, argument, io): AsyncGenerator<Output, Outcome, void> {
    const actor = await machine.actor(actorName)
    const sources = sourcesIn({ files: '/', templates: '/', confined: false })
    const events = schedule([self], actor, actor.parse(argument), {
      ...{ ...io, fanout: 1, apply: true, diff: false, connector: machine.connector, here: local },
      ...{ connectTimeout: 0, commandTimeout: 0, connectRate: 0 },
      materials: (target, _, at) => sources.materials(target, {}, at),
    })
    for await (const event of events) {
      if (event.kind === 'output') yield event.output
      if (event.kind === 'finished') return event.outcome
    }
    throw new StokerError('INTERNAL', actorName, 'the run had no end')
  }
