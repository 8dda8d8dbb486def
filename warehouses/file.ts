/** The `file` warehouse: nodes, groups and networks in a YAML file which people write. */

import type { Abortable } from '../src/base/abortable.ts'
import { orAborted } from '../src/base/abortable.ts'
import { fileChanges } from '../src/base/file-changes.ts'
import { homeFolder } from '../src/base/folders.ts'
import type { NodeName } from '../src/base/names.ts'
import { readText } from '../src/config/read-text.ts'
import { resolvePath } from '../src/config/resolve-path.ts'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import { parseYaml } from '../src/config/yaml-source.ts'
import { parseAttributeQuery } from '../src/inventory/attribute-query.ts'
import type { NodeFacts, WarehouseFactory } from '../src/inventory/warehouse.ts'
import { type Inventory, parseInventory } from './file/inventory.ts'

const schema = mapping({ path: text })

/**
 * Options: `path`, the file. It is read once, at the first question. A file which is missing or wrong is `CONFIG` with
 * file, line and column: the administrator wrote it, and can put it right.
 */
export const file: WarehouseFactory = (options, { name, folder }) => {
  const path = resolvePath(parseOptions(schema, options).path, folder, homeFolder())
  let loading: Promise<Inventory> | undefined

  const inventory = async (io: Abortable): Promise<Inventory> => {
    io.signal.throwIfAborted()
    // Shared by all who ask, so no single one of them may stop it.
    loading ??= load(path).catch(thrown => {
      loading = undefined
      throw thrown
    })
    return await orAborted(loading, io)
  }

  return {
    name,
    async members(group, io) {
      return (await inventory(io)).groups.get(group)
    },
    async nodes(names, io) {
      const { nodes } = await inventory(io)
      const found = new Map<NodeName, NodeFacts>()
      for (const requested of names) {
        const facts = nodes.get(requested)
        if (facts) found.set(requested, facts)
      }
      return found
    },
    async *groups(io) {
      yield* (await inventory(io)).groups.keys()
    },
    async *all(io) {
      yield* new Set((await inventory(io)).nodes.values())
    },
    async *networks(io) {
      yield* (await inventory(io)).networks
    },
    async query(query, io) {
      const matches = parseAttributeQuery(query)
      const nodes = new Set((await inventory(io)).nodes.values())
      return [...nodes].filter(matches).map(({ name }) => ({ kind: 'node', name }))
    },
    changes: io => fileChanges([path], io),
    async [Symbol.asyncDispose]() {},
  }
}

const load = async (path: string): Promise<Inventory> => {
  const unstoppable = new AbortController().signal
  return parseInventory(parseYaml(await readText(path, { signal: unstoppable }), path))
}
