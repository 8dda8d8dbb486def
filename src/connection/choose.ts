/** One connector out of several: each target is reached by the kind which is right for it. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import type { Target } from '../inventory/target.ts'
import type { Connector } from './connection.ts'
import { type Unfollowed, UnfollowedReport } from './unfollowed.ts'

/** The kinds of connections to other machines. */
export const CONNECTION_KINDS = ['ssh', 'openssh'] as const
export type ConnectionKind = (typeof CONNECTION_KINDS)[number]

/** File descriptors which one connection of each kind takes: three for each process of openssh, and there may be three. */
export const DESCRIPTORS: Readonly<Record<ConnectionKind, number>> = { ssh: 1, openssh: 9 }

export interface Choice {
  /** Whatever the nodes say (`--connection`). */
  readonly requested?: ConnectionKind | undefined
  /** For nodes which say nothing (`vars: {connection: openssh}`); `undefined`: `ssh`, unless something else is needed. */
  readonly defaultKind?: ConnectionKind | undefined
  /** The names of nodes which are reached by `openssh` where they say nothing themselves; asked for once. */
  readonly listed?: ((io: Abortable) => Promise<ReadonlySet<string>>) | undefined
  /** What `ssh` would not follow for a target. */
  readonly unfollowed?: (target: Target, io: Abortable) => Promise<readonly Unfollowed[]>
  /** Whether this machine has what `openssh` needs. */
  readonly hasOpenssh?: () => Promise<boolean>
  /** What a target may take to connect, where that is not for the run to say. */
  readonly timeLimit?: (target: Target) => number | undefined
  /** Makes the connector of a kind, when the first target needs it. */
  readonly make: (kind: ConnectionKind) => Promise<Connector>
  readonly warn?: (text: string) => void
}

/**
 * The connector for all targets. `prepare` throws `CONFIG` for a node with an unknown kind, and what `listed` throws. What is
 * not followed, and who is reached by `openssh` for that, is told once for all.
 */
export const choosingConnector = (choice: Choice): Connector => {
  const { requested, defaultKind, listed, make } = choice
  let byList: ReadonlySet<string> | undefined
  const opened = new Map<ConnectionKind, Promise<Connector>>()
  /** By name: whether a target which nobody has said anything of is reached by `openssh`. */
  const moved = new Map<string, boolean>()
  const report = new UnfollowedReport()
  let hasOpenssh: Promise<boolean> | undefined
  const canMove = (): Promise<boolean> => {
    hasOpenssh ??= choice.hasOpenssh?.() ?? Promise.resolve(true)
    return hasOpenssh
  }

  const choose = async (target: Target, io: Abortable): Promise<ConnectionKind> => {
    const said = requested ?? kindOf(target) ?? (byList?.has(target.name) ? 'openssh' : defaultKind)
    if (said === 'openssh') return said
    const known = moved.get(target.name)
    if (known !== undefined) return said ?? (known ? 'openssh' : 'ssh')
    const unfollowed = (await choice.unfollowed?.(target, io)) ?? []
    const isMoved = said === undefined && unfollowed.some(({ decides }) => decides) && (await canMove())
    moved.set(target.name, isMoved)
    report.add(target.name, isMoved, unfollowed)
    return isMoved ? 'openssh' : 'ssh'
  }
  const connectorFor = async (target: Target, io: Abortable): Promise<Connector> => {
    const kind = await choose(target, io)
    const connector = opened.get(kind) ?? make(kind)
    opened.set(kind, connector)
    return await connector
  }
  let descriptors = DESCRIPTORS[requested ?? defaultKind ?? 'ssh']
  return {
    get descriptors() {
      return descriptors
    },
    timeLimit: target => choice.timeLimit?.(target),
    async prepare(targets, io) {
      if (requested === undefined) byList ??= await listed?.(io)
      const parts = new Map<Connector, Target[]>()
      for (const target of targets) {
        const connector = await connectorFor(target, io)
        parts.set(connector, [...(parts.get(connector) ?? []), target])
      }
      if (report.hasNews) for (const line of report.lines(await canMove())) choice.warn?.(line)
      for (const [connector, part] of parts) {
        descriptors = Math.max(descriptors, connector.descriptors)
        await connector.prepare(part, io)
      }
    },
    connect: async (target, io) => (await connectorFor(target, io)).connect(target, io),
    async [Symbol.asyncDispose]() {
      // One which could not be made has nothing to close.
      const connectors = await Promise.allSettled(opened.values())
      for (const result of connectors) if (result.status === 'fulfilled') await result.value[Symbol.asyncDispose]()
    },
  }
}

const kindOf = ({ name, vars }: Target): ConnectionKind | undefined => {
  const { connection } = vars
  if (connection === undefined) return undefined
  const kind = CONNECTION_KINDS.find(kind => kind === connection)
  if (kind) return kind
  throw new StokerError(
    'CONFIG',
    name,
    `${name}: no connection ${shown(String(connection))}; vars: connection: is one of ${CONNECTION_KINDS.join(', ')}`,
  )
}
