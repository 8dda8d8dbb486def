/** The group sources of a groups.conf as the calculator's port. */
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import type { Groups } from '../../src/nodeset/groups.ts'
import { runner } from '../upcall/command.ts'
import { expressionOf, type GroupSource } from '../upcall/source.ts'
import { readSources, type Sources } from './sources.ts'

export interface ClustershellOptions {
  /** Named in errors. */
  readonly warehouse: string
  /** The groups.conf. */
  readonly path: string
  /** Milliseconds for one command. */
  readonly deadline: number
}

/** Reads groups.conf and what belongs to it. Throws `CONFIG` with file and line. */
export const openSources = ({ warehouse, path, deadline }: ClustershellOptions, io: Abortable): Promise<Sources> =>
  readSources({ path, runner: folder => runner({ warehouse, folder, deadline }) }, io)

/** A port over all sources, the default one first. As with ClusterShell, an unknown group of a known source is empty. */
export const groupsOf = (sources: Sources): Groups => {
  const named = (name: string): GroupSource => {
    const source = sources.all.get(name)
    if (source) return source
    throw new StokerError('UNKNOWN_NAME', name, `Unknown group source: "${name}"`)
  }
  return {
    sources: [...new Set([...(sources.default === undefined ? [] : [sources.default]), ...sources.all.keys()])],
    map: async (source, group, io) => expressionOf(await named(source).map(group, io), group, source),
    async all(source, io) {
      const { all } = named(source)
      return all && expressionOf(await all(io), '*', source)
    },
    list: async (source, io) => named(source).list?.(io),
    async reverse(source, nodes, io) {
      const { reverse } = named(source)
      if (!reverse) return undefined
      return new Map(await Promise.all(nodes.map(async node => [node, await reverse(node, io)] as const)))
    },
    query: async () => undefined,
  }
}
