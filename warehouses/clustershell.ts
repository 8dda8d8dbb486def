/** The `clustershell` warehouse: the node groups which clush and nodeset already have. */

import type { Abortable } from '../src/base/abortable.ts'
import { orAborted } from '../src/base/abortable.ts'
import { StokerError } from '../src/base/errors.ts'
import { homeFolder } from '../src/base/folders.ts'
import { resolvePath } from '../src/config/resolve-path.ts'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import type { Warehouse, WarehouseFactory } from '../src/inventory/warehouse.ts'
import { evaluator } from '../src/nodeset/evaluate.ts'
import { type ClustershellOptions, groupsOf, openSources } from './clustershell/groups.ts'
import { sourceNamed } from './clustershell/sources.ts'
import { duration } from './common/options.ts'
import { asFailure, nodeMember, noFiles, upcallWarehouse } from './upcall/source.ts'

const schema = mapping({
  path: text.default('/etc/clustershell/groups.conf'),
  source: text.optional(),
  deadline: duration.default(30_000),
})

/**
 * One source of a groups.conf, the default one unless `source` names another. Its groups may use all the other sources.
 * The files are read at the first question.
 */
export const clustershell: WarehouseFactory = (options, { name, folder }) => {
  const { path, source, deadline } = parseOptions(schema, options)
  const location = { warehouse: name, path: resolvePath(path, folder, homeFolder()), deadline }
  let opening: Promise<Warehouse> | undefined
  const opened = async (io: Abortable): Promise<Warehouse> => {
    io.signal.throwIfAborted()
    // Shared by all who ask, so no single one of them may stop it.
    opening ??= openOne(location, source).catch(thrown => {
      opening = undefined
      throw thrown
    })
    return await orAborted(opening, io)
  }
  return {
    name,
    members: async (group, io) => await (await opened(io)).members(group, io),
    nodes: async (names, io) => await (await opened(io)).nodes(names, io),
    async *groups(io) {
      // Where there is no list, groups are known by their name with an @ only.
      yield* (await opened(io)).groups?.(io) ?? []
    },
    async *all(io) {
      const { all } = await opened(io)
      if (!all)
        throw new StokerError(
          'WAREHOUSE_FAILED',
          name,
          `warehouse ${name}: its source has neither all nor list, so it cannot tell all nodes`,
        )
      yield* all(io)
    },
    async [Symbol.asyncDispose]() {},
  }
}

const openOne = async (location: ClustershellOptions, wanted: string | undefined): Promise<Warehouse> => {
  const sources = await openSources(location, { signal: new AbortController().signal })
  const { name, source } = sourceNamed(sources, wanted, location.path)
  const port = groupsOf(sources)
  return upcallWarehouse({
    name: location.warehouse,
    source,
    groups: { port, source: name },
    // Other sources, wildcards and operators mean here what they mean to nodeset: names are nodes, never groups.
    async compound(expression, io) {
      const ask = evaluator({ ...io, groups: async () => port, source: name, readList: noFiles })
      const names = await asFailure(location.warehouse, ask.names(expression))
      return [...names].map(node => nodeMember(node, 'of another source', location.warehouse))
    },
  })
}
