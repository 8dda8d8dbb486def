/** Groups of dsh: a file for each, with hosts, in one of several folders. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Abortable } from '../../../base/abortable.ts'
import { isAbsent, reason } from '../../../base/errors.ts'
import type { Groups } from '../../../nodeset/groups.ts'
import { pdshError, self } from './errors.ts'

/** `hostsIn` reads the hosts of a file's text; a line `#include NAME` stands for another group or file. */
export const dshGroups = (
  folders: readonly string[],
  hostsIn: (text: string) => readonly string[],
  { signal }: Abortable,
): Groups => {
  const read = async (name: string, places: readonly string[]): Promise<readonly [path: string, text: string]> => {
    for (const path of places) {
      try {
        return [path, await readFile(path, { encoding: 'utf8', signal })]
      } catch (cause) {
        if (!isAbsent(cause)) throw pdshError(`${self()}: ${path}: ${reason(cause)}`, { cause })
      }
    }
    throw pdshError(`${self()}: ${name}: No such file or directory (looked for in ${folders.join(', ')})`)
  }
  const placesOf = (name: string, from: string | undefined): readonly string[] => {
    if (name.startsWith('/')) return [name]
    if (/^\.{1,2}\//.test(name)) return [join(from ?? '.', name)]
    // The name of a group is not to lead out of its folder.
    return name.includes('/') ? [] : folders.map(folder => join(folder, name))
  }
  const hostsOf = async (name: string, from: string | undefined, seen: Set<string>): Promise<readonly string[]> => {
    const [path, text] = await read(name, placesOf(name, from))
    if (seen.has(path)) return []
    seen.add(path)
    const hosts: string[] = []
    for (const line of text.split('\n')) {
      const included = /^#include[ \t]+(\S+)\s*$/.exec(line)?.[1]
      hosts.push(...(included === undefined ? hostsIn(line) : await hostsOf(included, dirname(path), seen)))
    }
    return hosts
  }
  return {
    sources: ['dsh'],
    map: async (_, group) => {
      if (group.includes('/')) throw pdshError(`${self()}: ${group}: is no name of a group`)
      const names = [...new Set(await hostsOf(group, undefined, new Set()))]
      return { kind: 'names', text: `@${group}`, names }
    },
    all: async () => undefined,
    list: async () => undefined,
    reverse: async () => undefined,
    query: async () => undefined,
  }
}
