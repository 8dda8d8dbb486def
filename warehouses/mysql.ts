/** The `mysql` warehouse: nodes and groups in a MySQL or MariaDB database, with its own tables or somebody else's. */
import type { Abortable } from '../src/base/abortable.ts'
import type { NetworkFacts, WarehouseContext } from '../src/inventory/warehouse.ts'
import { fitMembers, type Table, type TableWarehouse, tableWarehouse } from './common/table.ts'
import { type Database, database } from './mysql/client.ts'
import { loadNetworks } from './mysql/networks.ts'
import { loadRocks } from './mysql/rocks.ts'
import { parseSettings, type Settings } from './mysql/settings.ts'
import { asksByGroup, loadSql, membersByGroup } from './mysql/sql.ts'
import { type Initialised, initialise, loadStoker, stokerDdl } from './mysql/stoker.ts'

export interface MysqlWarehouse extends TableWarehouse {
  /** The statements which `init` runs; only with the preset `stoker`. */
  ddl?(): string
  /** Creates the tables which are not there yet; only with the preset `stoker`. */
  init?(io: Abortable): Promise<Initialised>
}

/**
 * Reads the whole database at the first question, in two or three round trips, and keeps it as long as it lives: a run sees
 * one state. Only `sql.members` with a `?` is asked for each group.
 */
export const mysql = (options: Readonly<Record<string, unknown>>, context: WarehouseContext): MysqlWarehouse => {
  const settings = parseSettings(options, context)
  const server = database(settings)
  const nodesAndGroups = tableWarehouse({
    name: context.name,
    load: io => load(server, settings, io),
    dispose: async () => await server[Symbol.asyncDispose](),
  })
  let networks: readonly NetworkFacts[] | undefined
  const table = {
    ...nodesAndGroups,
    async *networks(io: Abortable) {
      io.signal.throwIfAborted()
      networks ??= await server.ask('networks', io, session => loadNetworks(session, settings))
      yield* networks
    },
  }
  const { source } = settings
  if (source.kind === 'stoker') return { ...table, ddl: stokerDdl, init: io => initialise(server, settings, io) }
  if (source.kind === 'rocks' || source.members === undefined || !asksByGroup(source)) return table
  const { members } = source
  return {
    ...table,
    async members(group, io) {
      const listed = await table.members(group, io)
      const rows = await membersByGroup(server, members, group, context.name, io)
      return rows.length > 0 ? fitMembers(rows, group, context.name) : listed
    },
  }
}

const load = (server: Database, settings: Settings, io: Abortable): Promise<Table> =>
  server.ask('nodes and groups', io, async session => {
    const { source, warehouse } = settings
    switch (source.kind) {
      case 'rocks':
        return await loadRocks(session)
      case 'stoker':
        return await loadStoker(session, warehouse)
      case 'sql':
        return await loadSql(session, source, warehouse)
      default:
        throw new Error(`unknown source: ${source satisfies never}`)
    }
  })
