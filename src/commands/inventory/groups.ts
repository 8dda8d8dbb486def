/** `stoker groups`: what groups there are, and who says so. */
import { harmlessMessage } from '../../base/printable.ts'
import { standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'
import { groupList, type ListedGroup } from './group-list.ts'

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
  const warn = (notice: string) => void stderr.write(`stoker: ${harmlessMessage(notice)}\n`)
  await using site = await openSite(flags, warn, io)
  const format = flags.json ? asJson : asText
  let found = 0
  /** Groups by what is wrong with them: one cycle may be in many. */
  const uncounted = new Map<string, string[]>()
  for await (const one of groupList(site.warehouses, { ...io, pattern, count: flags.count === true })) {
    found += 1
    await stdout.write(format(one))
    if (typeof one.nodes !== 'object') continue
    const { message } = one.nodes
    uncounted.set(message, [...(uncounted.get(message) ?? []), fullName(one)])
  }
  for (const [message, [first, ...others]] of uncounted)
    warn(`${first}${others.length > 0 ? ` and ${others.length} more` : ''}: ${message}`)
  if (found === 0 && pattern !== undefined) warn(`no group matches ${pattern}`)
  await stdout.flush()
  return 0
}

const fullName = ({ warehouse, group }: ListedGroup): string => `@${warehouse}:${group}`

// The number stands in front because names may have blanks, and reads as those of uniq -c do.
const asText = (one: ListedGroup): string => {
  const { nodes } = one
  const count = nodes === undefined ? '' : typeof nodes === 'number' ? `${nodes} ` : '- '
  return `${count}${fullName(one)}\n`
}

const asJson = ({ warehouse, group, nodes }: ListedGroup): string => {
  const count = nodes === undefined ? {} : { nodes: typeof nodes === 'number' ? nodes : null }
  return `${JSON.stringify({ warehouse, group, ...count })}\n`
}
