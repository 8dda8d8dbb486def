/** `pulley agent`: polls and converges, resident or once. */
import { join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { LockHeld, takeLock } from '../../base/lock.ts'
import { parseNodeName } from '../../base/names.ts'
import type { Output } from '../../connection/connection.ts'
import { sourcesIn } from '../../converge/materials.ts'
import type { Target } from '../../inventory/target.ts'
import type { Outcome } from '../../run/outcome.ts'
import { schedule } from '../../run/schedule.ts'
import { here, onThisMachine } from '../../site/built-in.ts'
import { PulleyAgent } from '../agent/agent.ts'
import type { RunActor } from '../agent/orders/orders.ts'
import { readIdentity } from '../agent/state/agent-identity.ts'
import { Folder } from '../agent/state/folder.ts'

export interface AgentFlags {
  readonly state: string
  readonly once?: boolean
  /** Seconds for which the server may hold a poll until there is news. */
  readonly longPoll: number
}

export const agentCommand = async (flags: AgentFlags, io: Abortable): Promise<number> => {
  const folder = new Folder(flags.state)
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const { name } = await readIdentity(folder)
  await using _lock = await holdFolder(flags.state, io)
  const machine = await onThisMachine()
  const self: Target = {
    ...{ name: parseNodeName(name), names: [name], addresses: [], port: undefined, user: undefined },
    ...{ macs: [], vars: {}, via: [] },
  }
  await using agent = await PulleyAgent.open({
    ...{ folder, actors: machine, wait: flags.longPoll, say },
    connect: () => machine.connector.connect(self, io),
    runActor: performing(machine, self, await here()),
  })
  if (flags.once) return (await agent.once(io)) ? 0 : 4
  await agent.run(io).catch(thrown => {
    if (!io.signal.aborted) throw thrown
  })
  return 0
}

/** One agent at a time on one state folder: two would converge against each other. */
const holdFolder = async (folder: string, io: Abortable): Promise<AsyncDisposable> => {
  try {
    return await takeLock(join(folder, 'lock'), { ...io, limit: 0 })
  } catch (cause) {
    if (!(cause instanceof LockHeld)) throw cause
    const message = `another agent (process ${cause.holder.pid}) works with ${folder}`
    throw new StokerError('AGENT_STATE', folder, message, { cause })
  }
}

/** An order is a run on one target: time limits, ends and all else are the core's. */
const performing = (
  machine: Awaited<ReturnType<typeof onThisMachine>>,
  self: Target,
  local: Awaited<ReturnType<typeof here>>,
): RunActor =>
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
