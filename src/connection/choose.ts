/** One connector out of several: each target is reached by the kind which is right for it. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import type { Target } from '../inventory/target.ts'
import type { Connector } from './connection.ts'

/** The kinds of connections to other machines. */
export const CONNECTION_KINDS = ['ssh', 'openssh'] as const
export type ConnectionKind = (typeof CONNECTION_KINDS)[number]

/** File descriptors which one connection of each kind takes: three for each process of openssh, and there may be three. */
export const DESCRIPTORS: Readonly<Record<ConnectionKind, number>> = { ssh: 1, openssh: 9 }

export interface Choice {
  /** Whatever the nodes say (`--connection`). */
  readonly requested?: ConnectionKind | undefined
  /** For nodes which say nothing (`vars: {connection: openssh}`). */
  readonly defaultKind: ConnectionKind
  /** The names of nodes which are reached by `openssh` where they say nothing themselves; asked for once. */
  readonly listed?: ((io: Abortable) => Promise<ReadonlySet<string>>) | undefined
  /** Makes the connector of a kind, when the first target needs it. */
  readonly make: (kind: ConnectionKind) => Promise<Connector>
}

/** The connector for all targets. `prepare` throws `CONFIG` for a node with an unknown kind, and what `listed` throws. */
export const choosingConnector = ({ requested, defaultKind, listed, make }: Choice): Connector => {
  let byList: ReadonlySet<string> | undefined
  const opened = new Map<ConnectionKind, Promise<Connector>>()
  const connectorFor = (target: Target): Promise<Connector> => {
    const kind = requested ?? kindOf(target) ?? (byList?.has(target.name) ? 'openssh' : defaultKind)
    const connector = opened.get(kind) ?? make(kind)
    opened.set(kind, connector)
    return connector
  }
  let descriptors = DESCRIPTORS[requested ?? defaultKind]
  return {
    get descriptors() {
      return descriptors
    },
    async prepare(targets, io) {
      if (requested === undefined) byList ??= await listed?.(io)
      const parts = new Map<Connector, Target[]>()
      for (const target of targets) {
        const connector = await connectorFor(target)
        parts.set(connector, [...(parts.get(connector) ?? []), target])
      }
      for (const [connector, part] of parts) {
        descriptors = Math.max(descriptors, connector.descriptors)
        await connector.prepare(part, io)
      }
    },
    connect: async (target, io) => (await connectorFor(target)).connect(target, io),
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
