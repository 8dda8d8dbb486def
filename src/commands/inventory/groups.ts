/** `stoker groups`: what groups there are, and who says so. */
import { StokerError } from '../../base/errors.ts'
import type { GroupName } from '../../base/names.ts'
import { harmlessMessage } from '../../base/printable.ts'
import { globMatcher } from '../../nodeset/match.ts'
import { standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'
import { countNodes } from './count-nodes.ts'
import { listGroups } from './memberships.ts'

export interface GroupsFlags {
  readonly config?: string
  readonly fresh?: boolean
  /** The number of nodes in each, as well. */
  readonly count?: boolean
  readonly json?: boolean
}

/** Prints `@warehouse:group`, one a line, with `count` a number and a blank before it; returns the exit code. */
export const groups = async (pattern: string | undefined, flags: GroupsFlags): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const io = { signal: stdout.gone }
  const say = (notice: string) => void stderr.write(`stoker: ${harmlessMessage(notice)}\n`)
  const { from, matches } = parsePattern(pattern)
  await using site = await openSite(flags, say, io)
  const names = site.warehouses.map(one => one.name).join(', ')
  const asked = site.warehouses.filter(one => from === undefined || one.name === from)
  if (asked.length === 0)
    throw new StokerError('UNKNOWN_NAME', from ?? '', `no warehouse is called ${from}; there is: ${names}`)
  const lists = await listGroups(asked, io)
  if (lists.size === 0)
    throw new StokerError(
      'WAREHOUSE_FAILED',
      'groups',
      `${from ?? 'no warehouse'} can${from ? 'not' : ''} list groups (there is: ${names})`,
    )

  let found = 0
  /** Groups by what is wrong with them: one cycle may be in many. */
  const uncounted = new Map<string, string[]>()
  for (const [{ name: warehouse }, list] of lists) {
    const matching = list.filter(matches)
    found += matching.length
    if (!flags.count) await stdout.write(matching.map(group => line({ warehouse, group }, flags)).join(''))
    else
      for (const group of matching) {
        const nodes = await countNodes(group, warehouse, site.warehouses, io)
        if (typeof nodes !== 'number') listIn(uncounted, nodes.message).push(`@${warehouse}:${group}`)
        await stdout.write(line({ warehouse, group, nodes: typeof nodes === 'number' ? nodes : null }, flags))
      }
  }
  for (const [message, [first, ...others]] of uncounted)
    say(`${first}${others.length > 0 ? ` and ${others.length} more` : ''}: ${message}`)
  if (found === 0 && pattern !== undefined) say(`no group matches ${pattern}`)
  await stdout.flush()
  return 0
}

const listIn = <K, V>(lists: Map<K, V[]>, key: K): V[] => {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}

interface Line {
  readonly warehouse: string
  readonly group: GroupName
  readonly nodes?: number | null
}

// The number stands in front because names may have blanks, and reads as those of uniq -c do.
const line = ({ warehouse, group, nodes }: Line, { json }: GroupsFlags): string => {
  if (json) return `${JSON.stringify({ warehouse, group, ...(nodes !== undefined && { nodes }) })}\n`
  return `${nodes === undefined ? '' : `${nodes ?? '-'} `}@${warehouse}:${group}\n`
}

/** `web*`, `@web*`, or `@ldap:web*` for one warehouse. */
const parsePattern = (pattern = '*') => {
  const [, from, glob = pattern.replace(/^@/, '')] = /^@([^:]+):(.*)$/s.exec(pattern) ?? []
  return { from, matches: globMatcher(glob) }
}
